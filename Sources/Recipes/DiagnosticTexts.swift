extension RecipeError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .invalid(let errors):
      Diagnostic.inReadingOrder(errors).map(\.description).joined(separator: "\n")
    case .fileMissing(let path):
      "\(path): no such file; check the name, or run where relative names lead to it"
    case .fileUnreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
    case .fileUnwritable(let path, let reason):
      "\(path): cannot be written: \(reason)"
    case .nameTaken(let kind, let name):
      "the registry has a \(kind) called \(name) already; give the added one another name"
    case .unknownName(let kind, let name, let known):
      Problem.unknownName(kind: kind, name: name, known: known).text(path: "")
    case .malformedLine(let file, let line, let reason):
      "\(file):\(line): not a line of this file: \(reason)"
    }
  }
}

extension Diagnostic: CustomStringConvertible {
  /// One line: `recipe.yaml:12:3: data.bathc_size: unknown key; did you mean data.batch_size`, and so on.
  package var description: String {
    let subject = path.isEmpty ? "" : "\(path): "
    return "\(location): \(subject)\(problem.text(path: path))"
  }

  /// Sources in the order of their first appearance, lines and columns ascending.
  static func inReadingOrder(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    var rank: [String: Int] = [:]
    for diagnostic in diagnostics where rank[diagnostic.location.source] == nil {
      rank[diagnostic.location.source] = rank.count
    }
    func key(_ index: Int) -> [Int] {
      let location = diagnostics[index].location
      return [rank[location.source] ?? 0, location.line ?? 0, location.column ?? 0, index]
    }
    return diagnostics.indices.sorted { key($0).lexicographicallyPrecedes(key($1)) }
      .map { diagnostics[$0] }
  }
}

extension Problem {
  /// The message after location and path: what, expected and found, and how to mend it.
  func text(path: String) -> String {
    switch self {
    case .syntax(let reason): "not YAML: \(reason)"
    case .unsupportedTag(let tag): "the tag \(tag) has no meaning in a recipe; remove it"
    case .tooManyValues(let limit):
      "more than \(limit) values after expanding aliases; write less, or without aliases"
    case .tooDeep(let limit): "nested deeper than \(limit) levels; recipes need fewer"
    case .duplicateKey(let first):
      "the key stands twice in this map\(first.map { ", first at \($0)" } ?? ""); keep one"
    case .mergeKey: "merge keys (<<) are not read; use base: or write the fields out"
    case .unknownKey(let known, let parent, let elsewhere):
      Self.unknownKey(path, known: known, parent: parent, elsewhere: elsewhere)
    case .twoSpellings(let first, let second, let other):
      "\(first) and \(second) are one field, the other stands at \(other); keep one"
    case .missingKey(let expected, let sentence):
      "required key is missing; expected \(expected)\(sentence.isEmpty ? "" : " (\(sentence))")"
    case .wrongType(let expected, let found, let hint):
      "expected \(expected), found \(found)\(hint.map { "; \($0)" } ?? "")"
    case .outOfRange(let range, let found, let unit):
      "expected \(range)\(unit.map { " \($0)" } ?? ""), found \(found)"
    case .wrongCount(let expected, let found):
      expected.lowerBound == expected.upperBound
        ? "expected \(expected.lowerBound) values, found \(found)"
        : "expected \(expected.lowerBound) to \(expected.upperBound) values, found \(found)"
    case .unknownName(let kind, let name, let known):
      Self.unknownName(kind: kind, name: name, known: known)
    case .notTaken(let owner): "\(owner) does not take this field; remove it"
    case .unread: "nothing in this program reads it; remove it"
    case .unknownReference(let reference):
      "${\(reference)} leads to no value of the recipe; give the full dotted path"
    case .referenceCycle(let references):
      "references lead in a circle: \(references.joined(separator: " -> ")); write one value out"
    case .malformedReference(let text):
      "\(text) is no reference; write ${a.b}, ${env:NAME} or ${env:NAME,default}, or $${ for the text"
    case .environmentUnset(let name):
      "the environment variable \(name) is not set; set it, or write ${env:\(name),default}"
    case .malformedOverride(let text):
      "\(text) is no override; write a.b.c=VALUE, or ~a.b to remove a key"
    case .nothingToRemove: "there is no such key to remove"
    case .notAMap(let found): "expected a map or a list on the way, found \(found)"
    case .noSuchElement(let count):
      "the list has \(count) elements, counted from 0; change one of them or give the whole list"
    case .baseCycle(let files):
      "base files lead in a circle: \(files.joined(separator: " -> ")); remove one base"
    case .baseMissing(let file): "base file \(file) does not exist; names are relative to this file"
    case .baseUnreadable(let file, let reason): "base file \(file) cannot be read: \(reason)"
    case .rule(let what, let mend): "\(what); \(mend)"
    case .aliasRead(let key): "read as \(key)"
    }
  }

  private static func unknownKey(
    _ path: String, known: [String], parent: String, elsewhere: String?
  ) -> String {
    let key = DottedPath.keys(of: path)?.last ?? path
    let nearest = NearestName.of(key, among: known).map { DottedPath.joining(parent, $0) }
    if let meant = elsewhere ?? nearest { return "unknown key; did you mean \(meant)?" }
    return known.isEmpty
      ? "unknown key; none is taken here, remove it"
      : "unknown key; known here: \(Set(known).sorted().joined(separator: ", "))"
  }

  private static func unknownName(kind: String, name: String, known: [String]) -> String {
    let list = known.isEmpty ? "none is registered" : "known: \(known.joined(separator: ", "))"
    let hint = NearestName.of(name, among: known).map { "did you mean \($0)? " } ?? ""
    return "no \(kind) is called \(name); \(hint)\(list)"
  }
}
