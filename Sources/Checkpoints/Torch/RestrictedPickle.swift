import Foundation

/// Why a pickle was refused; the reader adds the file.
enum PickleError: Error {
  case malformed(position: Int, reason: String)
  case refused(name: String)
}

/// A pickle machine (protocols 0 to 5) that knows plain containers, PyTorch's tensors and nothing
/// else: no class is looked up and nothing is called, so a file cannot run code.
///
/// Containers live in one array and refer to one another by position. So neither cycles nor deep
/// nesting, which a hostile file may hold, can exhaust the stack when they are released.
struct RestrictedPickle {
  private enum Item {
    case mark
    case value(PickleValue)
    case container(Int)
    case global(PickleGlobal)
    case storage(key: String, StoredStorage)
  }

  private struct Container {
    enum Kind { case list, tuple, dictionary }
    let kind: Kind
    /// Keys and values of a dictionary in turn.
    var items: [Item] = []
  }

  private var input: PickleInput
  private var stack: [Item] = []
  private var memo: [Int: Item] = [:]
  private var containers: [Container] = []
  private var storages: [String: StoredStorage] = [:]

  /// What a pickle describes.
  struct Content {
    let value: PickleValue
    /// Every storage that it refers to, by key.
    let storages: [String: StoredStorage]
    /// Position behind the pickle.
    let end: Int
  }

  /// Reads the pickle that begins at `start`.
  static func load(
    _ bytes: UnsafeRawBufferPointer, from start: Int = 0
  ) throws(PickleError) -> Content {
    var machine = RestrictedPickle(input: PickleInput(bytes: bytes, position: start))
    let result = try machine.run()
    var freezer = Freezer(containers: machine.containers)
    return Content(
      value: try freezer.freeze(result, depth: 0), storages: machine.storages,
      end: machine.input.position)
  }

  private init(input: PickleInput) { self.input = input }

  private mutating func run() throws(PickleError) -> Item {
    while true {
      let operation = try input.byte()
      if operation == UInt8(ascii: ".") { return try pop() }
      if try pushPlain(operation) { continue }
      if try useMemo(operation) { continue }
      if try buildContainer(operation) { continue }
      try makeObject(operation)
    }
  }

  /// Numbers, texts and constants; false for other operations.
  private mutating func pushPlain(_ operation: UInt8) throws(PickleError) -> Bool {
    switch operation {
    case 0x80: _ = try input.byte()
    case 0x95: _ = try input.unsigned(8)
    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.bool(true))
    case 0x89: push(.bool(false))
    case UInt8(ascii: "K"): push(.integer(try input.unsigned(1)))
    case UInt8(ascii: "M"): push(.integer(try input.unsigned(2)))
    case UInt8(ascii: "J"):
      push(.integer(Int(Int32(truncatingIfNeeded: try input.unsigned(4)))))
    case 0x8A: push(.integer(try input.long(count: try input.unsigned(1))))
    case 0x8B: push(.integer(try input.long(count: try input.unsigned(4))))
    case UInt8(ascii: "G"): push(.float(try input.double()))
    case UInt8(ascii: "I"): push(try input.decimal())
    case UInt8(ascii: "F"): push(.float(try input.decimalFraction()))
    case UInt8(ascii: "X"): push(.text(try input.text(count: try input.unsigned(4))))
    case 0x8C, UInt8(ascii: "U"): push(.text(try input.text(count: try input.unsigned(1))))
    case UInt8(ascii: "T"): push(.text(try input.text(count: try input.unsigned(4))))
    case 0x8D: push(.text(try input.text(count: try input.unsigned(8))))
    case UInt8(ascii: "B"): push(.bytes(try input.take(try input.unsigned(4))))
    case UInt8(ascii: "C"): push(.bytes(try input.take(try input.unsigned(1))))
    case 0x8E: push(.bytes(try input.take(try input.unsigned(8))))
    default: return false
    }
    return true
  }

  private mutating func useMemo(_ operation: UInt8) throws(PickleError) -> Bool {
    switch operation {
    case UInt8(ascii: "q"): memo[try input.unsigned(1)] = try top()
    case UInt8(ascii: "r"): memo[try input.unsigned(4)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): stack.append(try recalled(try input.unsigned(1)))
    case UInt8(ascii: "j"): stack.append(try recalled(try input.unsigned(4)))
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())
    default: return false
    }
    return true
  }

  private mutating func buildContainer(_ operation: UInt8) throws(PickleError) -> Bool {
    switch operation {
    case UInt8(ascii: "("): stack.append(.mark)
    case UInt8(ascii: "]"): push(.list, [])
    case UInt8(ascii: ")"): push(.tuple, [])
    case UInt8(ascii: "}"): push(.dictionary, [])
    case UInt8(ascii: "l"): push(.list, try popToMark())
    case UInt8(ascii: "t"): push(.tuple, try popToMark())
    case UInt8(ascii: "d"): push(.dictionary, try pairs(try popToMark()))
    case 0x85: push(.tuple, [try pop()])
    case 0x86:
      let second = try pop()
      push(.tuple, [try pop(), second])
    case 0x87:
      let third = try pop()
      let second = try pop()
      push(.tuple, [try pop(), second, third])
    case UInt8(ascii: "a"): try extend(.list, with: [try pop()])
    case UInt8(ascii: "e"): try extend(.list, with: try popToMark())
    case UInt8(ascii: "s"):
      let value = try pop()
      try extend(.dictionary, with: [try pop(), value])
    case UInt8(ascii: "u"): try extend(.dictionary, with: try pairs(try popToMark()))
    default: return false
    }
    return true
  }

  private mutating func makeObject(_ operation: UInt8) throws(PickleError) {
    switch operation {
    case UInt8(ascii: "c"):
      let module = try input.line()
      try pushGlobal(module, try input.line())
    case 0x93:
      guard case .value(.text(let name)) = try pop(), case .value(.text(let module)) = try pop()
      else { throw malformed("a global without names") }
      try pushGlobal(module, name)
    case UInt8(ascii: "R"), 0x81:
      let arguments = try pop()
      guard case .global(let global) = try pop() else { throw malformed("a call of a value") }
      stack.append(try call(global, try elements(arguments, .tuple)))
    case UInt8(ascii: "b"):
      // Attributes of a dictionary, such as the versions that PyTorch keeps beside the weights.
      _ = try pop()
      guard case .container(let position) = try top(), containers[position].kind == .dictionary
      else { throw malformed("attributes of something that is not a dictionary") }
    case UInt8(ascii: "Q"):
      stack.append(try storage(try elements(try pop(), .tuple)))
    default:
      throw malformed("operation 0x\(String(operation, radix: 16)) is not known")
    }
  }

  // MARK: - Objects

  private mutating func pushGlobal(_ module: String, _ name: String) throws(PickleError) {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw .refused(name: "\(module).\(name)")
    }
    stack.append(.global(global))
  }

  private mutating func call(
    _ global: PickleGlobal, _ arguments: [Item]
  ) throws(PickleError) -> Item {
    switch global {
    case .dictionary:
      guard let content = arguments.first else { return container(.dictionary, []) }
      guard case .container(let position) = content else { throw malformed("a wrong dictionary") }
      let source = containers[position]
      if source.kind == .dictionary { return container(.dictionary, source.items) }
      var items: [Item] = []
      for pair in source.items {
        guard case .container(let inner) = pair, containers[inner].items.count == 2 else {
          throw malformed("a wrong dictionary")
        }
        items += containers[inner].items
      }
      return container(.dictionary, items)
    case .size:
      guard let content = arguments.first else { return container(.tuple, []) }
      guard case .container(let position) = content else { throw malformed("a wrong size") }
      return container(.tuple, containers[position].items)
    case .parameter:
      guard let value = arguments.first else { throw malformed("a parameter without a tensor") }
      return value
    case .tensor:
      return .value(.tensor(try tensor(arguments)))
    case .storage(let type):
      throw .refused(name: "a call of the storage \(type.rawValue)")
    }
  }

  private func tensor(_ arguments: [Item]) throws(PickleError) -> StoredTensor {
    guard arguments.count >= 4, case .storage(let key, let storage) = arguments[0],
      case .value(.integer(let offset)) = arguments[1]
    else { throw malformed("a tensor without a storage") }
    let shape = try integers(arguments[2])
    let strides = try integers(arguments[3])
    let count = storage.count
    guard shape.count == strides.count, offset >= 0, offset <= count,
      (shape + strides).allSatisfy({ $0 >= 0 })
    else { throw malformed("a tensor with shape \(shape) and strides \(strides)") }
    var elementCount = 1
    var last = offset
    for (size, stride) in zip(shape, strides) {
      let product = elementCount.multipliedReportingOverflow(by: size)
      let reach = max(0, size - 1).multipliedReportingOverflow(by: stride)
      let sum = last.addingReportingOverflow(reach.partialValue)
      guard !product.overflow, !reach.overflow, !sum.overflow else {
        throw malformed("a tensor with shape \(shape) and strides \(strides)")
      }
      elementCount = product.partialValue
      last = sum.partialValue
    }
    // Views that repeat elements are left out, so that a small file cannot claim a huge tensor.
    guard elementCount == 0 || last < count && elementCount <= count else {
      throw malformed(
        "a tensor with shape \(shape), strides \(strides) and offset \(offset) "
          + "in a storage of \(count)")
    }
    return StoredTensor(
      key: key, storage: storage, offset: offset, shape: shape, strides: strides)
  }

  private mutating func storage(_ identifier: [Item]) throws(PickleError) -> Item {
    guard identifier.count >= 5, case .value(.text("storage")) = identifier[0],
      case .global(.storage(let type)) = identifier[1],
      case .value(.text(let key)) = identifier[2],
      case .value(.integer(let count)) = identifier[4], count >= 0
    else { throw malformed("a reference that is not a storage") }
    if identifier.count > 5 {
      guard case .value(.none) = identifier[5] else {
        throw malformed("a part of storage '\(key)' as PyTorch wrote before 0.4")
      }
    }
    let storage = StoredStorage(type: type, count: count)
    if let other = storages.updateValue(storage, forKey: key), other != storage {
      throw malformed("storage '\(key)' has two lengths or types")
    }
    return .storage(key: key, storage)
  }

  private func integers(_ item: Item) throws(PickleError) -> [Int] {
    var integers: [Int] = []
    for element in try elements(item, .tuple) {
      guard case .value(.integer(let integer)) = element else { throw malformed("a wrong shape") }
      integers.append(integer)
    }
    return integers
  }

  // MARK: - Stack

  private mutating func push(_ value: PickleValue) { stack.append(.value(value)) }

  private mutating func push(_ kind: Container.Kind, _ items: [Item]) {
    stack.append(container(kind, items))
  }

  private mutating func container(_ kind: Container.Kind, _ items: [Item]) -> Item {
    containers.append(Container(kind: kind, items: items))
    return .container(containers.count - 1)
  }

  private mutating func extend(
    _ kind: Container.Kind, with items: [Item]
  ) throws(PickleError) {
    guard case .container(let position) = try top(), containers[position].kind == kind else {
      throw malformed("an element for what is no container")
    }
    containers[position].items += items
  }

  private func elements(_ item: Item, _ kind: Container.Kind) throws(PickleError) -> [Item] {
    guard case .container(let position) = item, containers[position].kind == kind else {
      throw malformed("a \(kind) is expected")
    }
    return containers[position].items
  }

  private func pairs(_ items: [Item]) throws(PickleError) -> [Item] {
    guard items.count % 2 == 0 else { throw malformed("a key without a value") }
    return items
  }

  private func top() throws(PickleError) -> Item {
    guard let item = stack.last else { throw malformed("the stack is empty") }
    if case .mark = item { throw malformed("a value is expected") }
    return item
  }

  private mutating func pop() throws(PickleError) -> Item {
    let item = try top()
    stack.removeLast()
    return item
  }

  private mutating func popToMark() throws(PickleError) -> [Item] {
    let mark = stack.lastIndex { if case .mark = $0 { true } else { false } }
    guard let mark else { throw malformed("a mark is missing") }
    let items = Array(stack[(mark + 1)...])
    stack.removeSubrange(mark...)
    return items
  }

  private func recalled(_ key: Int) throws(PickleError) -> Item {
    guard let item = memo[key] else { throw malformed("nothing was remembered as \(key)") }
    return item
  }

  private func malformed(_ reason: String) -> PickleError { input.malformed(reason) }
}

extension RestrictedPickle {
  /// Turns what the machine built into values, each container once.
  private struct Freezer {
    private let containers: [Container]
    private var frozen: [PickleValue?]
    private var isOpen: [Bool]
    /// Values that a container stands for when written out in full.
    private var weights: [Int]
    /// Deeper than any checkpoint; protects the stack.
    private let deepest = 100
    /// Far above any checkpoint; lists that hold one list twice, many times over, pass it.
    private let heaviest = 50_000_000

    init(containers: [Container]) {
      self.containers = containers
      frozen = Array(repeating: nil, count: containers.count)
      isOpen = Array(repeating: false, count: containers.count)
      weights = Array(repeating: 1, count: containers.count)
    }

    mutating func freeze(_ item: Item, depth: Int) throws(PickleError) -> PickleValue {
      switch item {
      case .value(let value): return value
      case .container(let position):
        if let value = frozen[position] { return value }
        guard depth < deepest, !isOpen[position] else {
          throw failure("a container holds itself or is nested deeper than \(deepest)")
        }
        isOpen[position] = true
        var values: [PickleValue] = []
        for inner in containers[position].items {
          values.append(try freeze(inner, depth: depth + 1))
          if case .container(let child) = inner { weights[position] += weights[child] }
          guard weights[position] <= heaviest else { throw failure("it repeats itself too often") }
        }
        let value = try assembled(values, as: containers[position].kind)
        frozen[position] = value
        return value
      case .mark, .global, .storage: throw failure("a reference stands where a value is expected")
      }
    }

    private func assembled(
      _ values: [PickleValue], as kind: Container.Kind
    ) throws(PickleError) -> PickleValue {
      switch kind {
      case .list: return .list(values)
      case .tuple: return .tuple(values)
      case .dictionary:
        var entries: [PickleValue.Entry] = []
        var names: Set<String> = []
        for position in stride(from: 0, to: values.count, by: 2) {
          if case .text(let name) = values[position], !names.insert(name).inserted {
            throw failure("key '\(name)' occurs twice")
          }
          entries.append(.init(key: values[position], value: values[position + 1]))
        }
        return .dictionary(entries)
      }
    }

    private func failure(_ reason: String) -> PickleError {
      .malformed(position: 0, reason: reason)
    }
  }
}
