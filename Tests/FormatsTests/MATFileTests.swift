import Formats
import Foundation
import TestSupport
import Testing

@Suite("MATLAB files of level 5") struct MATFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ builder: MATBuilder) throws -> MATFile {
    try MATFile(path: folder.write(builder.data, to: "a.mat"))
  }

  /// Column-major bytes of the value 100 row + 10 column + band at each place.
  private func cube(
    _ shape: [Int32], _ bytes: (Int) -> Data
  ) -> Data {
    var data = Data()
    for band in 0..<Int(shape[2]) {
      for column in 0..<Int(shape[1]) {
        for row in 0..<Int(shape[0]) { data += bytes(100 * row + 10 * column + band) }
      }
    }
    return data
  }

  @Test(
    "every stored type and both byte orders give rows, columns and bands",
    arguments: [1, 2, 3, 4, 5, 6, 7, 9, 12, 13] as [UInt32], [false, true])
  func types(type: UInt32, isBigEndian: Bool) throws {
    var builder = MATBuilder(isBigEndian: isBigEndian)
    // One row less for bytes, whose values end at 127.
    let shape: [Int32] = type < 3 ? [1, 3, 4] : [2, 3, 4]
    let values = cube(shape) { value in
      switch type {
      case 1: builder.bytes(Int8(value))
      case 2: builder.bytes(UInt8(value))
      case 3: builder.bytes(Int16(value))
      case 4: builder.bytes(UInt16(value))
      case 5: builder.bytes(Int32(value))
      case 6: builder.bytes(UInt32(value))
      case 7: builder.bytes(Float(value))
      case 9: builder.bytes(Double(value))
      case 12: builder.bytes(Int64(value))
      default: builder.bytes(UInt64(value))
      }
    }
    let element = builder.matrix("cube", kind: 6, shape: shape, type: type, values: values)
    builder.append(element)
    builder.appendCompressed(
      builder.matrix("packed", kind: 6, shape: shape, type: type, values: values))
    let file = try file(builder)
    #expect(file.variables.map(\.name) == ["cube", "packed"])
    let (rows, size) = (Int(shape[0]), shape.map { Int($0) })
    let byRow = (0..<rows).flatMap { row in
      (0..<3).flatMap { column in (0..<4).map { 100 * row + 10 * column + $0 } }
    }
    let byBand = (0..<4).flatMap { band in
      (0..<rows).flatMap { row in (0..<3).map { 100 * row + 10 * $0 + band } }
    }
    for name in ["cube", "packed"] {
      #expect(file[name]?.shape == size)
      #expect(file[name]?.kind == .double)
      let integers = try file.integers(name)
      #expect(integers.shape == size)
      #expect(integers.elements == byRow)
      let floats = try file.floats(name, order: .lastFirst)
      #expect(floats.shape == [4, rows, 3])
      #expect(floats.elements == byBand.map { Float($0) })
    }
  }

  @Test("short elements, logical and text variables, and long variables in pieces")
  func forms() throws {
    var builder = MATBuilder()
    builder.append(
      builder.matrix(
        "n", kind: 9, shape: [1, 3], type: 2, values: Data([7, 8, 9]), isShort: true))
    builder.append(
      builder.matrix(
        "mask", kind: 9, shape: [2, 2], flags: 0x0200, type: 2, values: Data([1, 0, 0, 1]),
        isShort: true))
    builder.append(
      builder.matrix("note", kind: 4, shape: [1, 2], type: 16, values: Data("hi".utf8)))
    // More than one piece of 1 MiB.
    let long = (0..<400_000).map { builder.bytes(Float($0)) }.reduce(into: Data()) { $0 += $1 }
    builder.appendCompressed(
      builder.matrix("long", kind: 7, shape: [1000, 400], type: 7, values: long))
    let file = try file(builder)
    #expect(try file.integers("n").elements == [7, 8, 9])
    #expect(file["mask"]?.isLogical == true)
    #expect(try file.integers("mask").elements == [1, 0, 0, 1])
    #expect(file["note"]?.kind == .character)
    let error = #expect(throws: FormatError.self) { try file.floats("note") }
    #expect(error?.description.contains("'note' holds character, expected real numbers") == true)
    let values = try file.floats("long").elements
    let wrong = values.indices.count { values[$0] != Float($0 / 400 + 1000 * ($0 % 400)) }
    #expect(values.count == 400_000 && wrong == 0)
  }

  @Test("what is no integer is refused as one, complex numbers as real ones") func conversions()
    throws
  {
    var builder = MATBuilder()
    let values = [1, 2.5].map { builder.bytes($0 as Double) }.reduce(Data(), +)
    builder.append(builder.matrix("x", kind: 6, shape: [1, 2], type: 9, values: values))
    builder.append(
      builder.matrix("z", kind: 6, shape: [1, 2], flags: 0x0800, type: 9, values: values))
    let file = try file(builder)
    #expect(try file.floats("x").elements == [1, 2.5])
    for (name, text) in [("x", "expected integers"), ("z", "holds complex numbers")] {
      let error = #expect(throws: FormatError.self) { try file.integers(name) }
      #expect(error?.description.contains(text) == true)
    }
    let error = #expect(throws: FormatError.self) { try file.floats("y") }
    #expect(error?.description.contains("variable 'y' not found (the file has x, z)") == true)
  }

  @Test("empty arrays are empty") func empty() throws {
    var builder = MATBuilder()
    builder.append(builder.matrix("e", kind: 6, shape: [0, 4], type: 9, values: Data()))
    #expect(try file(builder).floats("e").elements.isEmpty)
  }

  @Test("other versions are told apart by content, with the way out") func versions() throws {
    let header = MATBuilder(version: 0x0200).data
    let level4 = [0, 2, 3, 0, 5].map { MATBuilder().bytes(Int32($0)) }.reduce(Data(), +)
    let cases: [(Data, MATVersion?, String)] = [
      (header, .v73, "read it as such"),
      (level4 + Data("cube\0".utf8) + Data(count: 48), .v4, "level 4"),
      (Data("GIF89a".utf8), nil, "no header of level 5"),
      (Data(), nil, "no header of level 5"),
    ]
    for (data, version, text) in cases {
      let path = try folder.write(data, to: "b.mat")
      #expect(try MATVersion.ofFile(path) == version)
      let error = #expect(throws: FormatError.self) { try MATFile(path: path) }
      #expect(error?.description.contains(text) == true, "\(String(describing: error))")
    }
    let path = try folder.write(MATBuilder(isBigEndian: true).data, to: "c.mat")
    #expect(try MATVersion.ofFile(path) == .v5(isBigEndian: true))
  }

  @Test("files that are cut off anywhere, or lie about sizes, are refused") func damaged() throws {
    var builder = MATBuilder()
    let values = (0..<6).map { builder.bytes(Double($0)) }.reduce(Data(), +)
    builder.append(builder.matrix("a", kind: 6, shape: [2, 3], type: 9, values: values))
    builder.appendCompressed(builder.matrix("b", kind: 6, shape: [2, 3], type: 9, values: values))
    let whole = builder.data
    for count in 129..<whole.count {
      // The end of the first array is the end of a whole file.
      if count == 128 + 8 + 16 + 16 + 16 + 56 { continue }
      let path = try folder.write(whole.prefix(count), to: "cut.mat")
      #expect(throws: FormatError.self, "\(count) of \(whole.count) bytes") {
        let file = try MATFile(path: path)
        for variable in file.variables { _ = try file.floats(variable.name) }
      }
    }
    // Whatever one byte becomes: values, or a refusal.
    for position in 128..<whole.count {
      var changed = whole
      changed[position] ^= 0xFF
      let path = try folder.write(changed, to: "changed.mat")
      guard let file = try? MATFile(path: path) else { continue }
      for variable in file.variables { _ = try? file.floats(variable.name) }
    }
    for shape in [[1 << 30, 1 << 30], [1 << 30, 1], [-2, -3], [(1 << 31) - 1, (1 << 31) - 1]] {
      var builder = MATBuilder()
      builder.appendCompressed(
        builder.matrix("a", kind: 6, shape: shape.map { Int32($0) }, type: 9, values: values))
      #expect(throws: FormatError.self) { try file(builder).floats("a") }
    }
  }
}
