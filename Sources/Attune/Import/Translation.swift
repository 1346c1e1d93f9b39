import Recipes

/// What became of one key of a peer's configuration.
package struct ImportedKey: Codable, Sendable, Equatable {
  package enum Fate: String, Codable, Sendable, CaseIterable {
    case mapped, defaulted, unmappable
  }

  /// A field of the recipe with the value it got.
  package struct Field: Codable, Sendable, Equatable {
    package var field: String
    package var value: String
  }

  /// Dotted path as the peer nests it.
  package var key: String
  /// What the file says; `not stated` for a default of the peer's that differs from ours.
  package var value: String
  package var fate: Fate
  package var fields: [Field]
  package var reason: String?
  /// Whether the run would come out otherwise than the peer's.
  package var changesResult: Bool

  private enum CodingKeys: String, CodingKey {
    case key, value, fate, fields, reason
    case changesResult = "changes_result"
  }
}

/// One configuration on its way into a recipe: rules read it, the draft takes what they make.
struct Translation: Sendable {
  let root: Located
  /// Top-level names of the file that its other lines use.
  private let variables: Set<String>
  var draft = RecipeDraft()
  private(set) var keys: [ImportedKey] = []
  /// Fields that the rule at work has set.
  private var pending: [ImportedKey.Field] = []

  init(_ root: Located, variables: Set<String> = []) {
    self.root = root
    self.variables = variables
  }

  /// Applies the rules of a format to every key.
  mutating func apply(_ rules: [ImportRule]) {
    for entry in root.entries { visit(entry.value, [entry.key], rules) }
  }

  private mutating func visit(_ value: Located, _ keys: [String], _ rules: [ImportRule]) {
    let key = keys.joined(separator: ".")
    guard !value.isNull else { return record(key, value, .defaulted("not set")) }
    // Rules with literal parts win over those with wildcards.
    let fitting = rules.filter { $0.matches(keys) }
    let rule = fitting.first { !$0.parts.contains("*") } ?? fitting.first
    if let rule {
      let outcome = rule.apply(&self, value)
      guard case .open = outcome else { return record(key, value, outcome) }
    }
    let leads = rules.contains { $0.parts.count > keys.count && $0.leads(keys) }
    if rule == nil, !leads, keys.count == 1, variables.contains(keys[0]) {
      return record(key, value, .defaulted("a name that other lines use"))
    }
    let isOpen = rule != nil || leads
    switch value.value {
    case .map(let entries) where isOpen && !entries.isEmpty:
      for entry in entries { visit(entry.value, keys + [entry.key], rules) }
    case .list(let elements) where isOpen && !elements.isEmpty:
      for (index, element) in elements.enumerated() {
        visit(element, keys + [String(index)], rules)
      }
    case .map(let entries) where entries.isEmpty:
      record(key, value, .defaulted("empty"))
    case .list(let elements) where elements.isEmpty:
      record(key, value, .defaulted("empty"))
    default: record(key, value, .unmappable("no counterpart of this key is known"))
    }
  }

  /// Sets a field of the recipe on behalf of the key at work.
  mutating func set(_ field: String, _ value: PlainValue) {
    draft.set(field, value)
    pending.append(.init(field: field, value: value.scalarText))
  }

  /// Records a key's fate; fields set since the last record belong to it.
  mutating func record(_ key: String, _ value: Located?, _ outcome: ImportOutcome) {
    var entry = ImportedKey(
      key: key, value: value?.shortText ?? "not stated", fate: .mapped, fields: pending,
      reason: nil, changesResult: false)
    pending = []
    switch outcome {
    case .mapped(let note): entry.reason = note
    case .defaulted(let reason): (entry.fate, entry.reason) = (.defaulted, reason)
    case .unmappable(let reason, let changes):
      (entry.fate, entry.reason, entry.changesResult) = (.unmappable, reason, changes)
    case .open: return
    }
    keys.append(entry)
  }

  /// Records a key that lies within the one at work.
  mutating func recordBeside(_ key: String, _ value: Located, _ outcome: ImportOutcome) {
    let held = pending
    pending = []
    record(key, value, outcome)
    pending = held
  }

  /// Writes a default of the peer's that differs from ours, where the file does not give the key.
  mutating func assume(
    _ key: String, _ field: String, _ value: PlainValue, where isTaken: Bool = true
  ) {
    guard isTaken, root.at(key) == nil || root.at(key)?.isNull == true, draft[field] == nil else {
      return
    }
    set(field, value)
    record(key, nil, .mapped("the peer's default, which is not ours"))
  }

  /// Turns a recorded key into one that has no counterpart, once another key says so.
  mutating func refuse(_ key: String, _ reason: String, changesResult: Bool = true) {
    guard let place = keys.firstIndex(where: { $0.key == key }) else {
      return record(key, root.at(key), .unmappable(reason, changesResult: changesResult))
    }
    keys[place].fate = .unmappable
    keys[place].reason = reason
    keys[place].changesResult = changesResult
  }

  /// Gives a recorded key another fate.
  mutating func settle(_ key: String, _ outcome: ImportOutcome) {
    guard let place = keys.firstIndex(where: { $0.key == key }) else { return }
    let later = Array(keys[(place + 1)...])
    let value = root.at(key)
    keys.removeSubrange(place...)
    record(key, value, outcome)
    keys += later
  }

  /// Adds a sentence to what a recorded key says.
  mutating func note(_ key: String, _ text: String) {
    guard let place = keys.firstIndex(where: { $0.key == key }) else { return }
    keys[place].reason = [keys[place].reason, text].compactMap { $0 }.joined(separator: "; ")
  }

  /// Names a field that a recorded key led to in the end.
  mutating func set(_ field: String, _ value: PlainValue, for key: String) {
    draft.set(field, value)
    guard let place = keys.firstIndex(where: { $0.key == key }) else { return }
    if keys[place].fate != .mapped { keys[place].reason = nil }
    keys[place].fate = .mapped
    keys[place].changesResult = false
    keys[place].fields.append(.init(field: field, value: value.scalarText))
  }
}

extension ImportRule {
  /// Whether the rule's path goes on below these keys.
  fileprivate func leads(_ keys: [String]) -> Bool {
    zip(parts, keys).allSatisfy { $0 == "*" || $0 == $1 }
  }
}

extension PlainValue {
  /// A scalar as it is, else JSON.
  var scalarText: String {
    switch self {
    case .text(let text), .path(let text): text
    default: json
    }
  }
}
