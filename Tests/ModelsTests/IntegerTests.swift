import Diffusion
import Foundation
import Models
import Testing

/// Products of small integers: the definition, and that nothing but a row and its weights decides their bits.
@Suite struct IntegerTests {
  /// [K, N] with groups that divide K, a K below a group, and edges.
  static let shapes = [(192, 70), (352, 33), (513, 64), (100, 96), (48, 32), (1, 1), (4096, 40)]

  /// The definition, one number after another.
  private func plain(_ x: [Float], _ weights: [Float], _ inputs: Int, _ outputs: Int, group: Int) -> [Float] {
    func levels(_ row: ArraySlice<Float>) -> [(scale: Float, levels: [Int])] {
      stride(from: row.startIndex, to: row.endIndex, by: group).map { start in
        let part = row[start..<min(start + group, row.endIndex)]
        let largest = part.map(\.magnitude).max() ?? 0
        let inverse = largest >= 0x1p-95 ? 127 / largest : 0
        return (inverse > 0 ? largest / 127 : 0, part.map { Int(($0 * inverse).rounded(.toNearestOrEven)) })
      }
    }
    let columns = (0..<outputs).map { levels(weights[$0 * inputs..<($0 + 1) * inputs]) }
    return stride(from: 0, to: x.count, by: inputs).flatMap { start in
      let row = levels(x[start..<start + inputs])
      return columns.map { column in
        zip(row, column).reduce(Float(0)) { sum, pair in
          let products = zip(pair.0.levels, pair.1.levels).reduce(0) { $0 + $1.0 * $1.1 }
          return sum.addingProduct(Float(products), pair.0.scale * pair.1.scale)
        }
      }
    }
  }

  private func layer(_ inputs: Int, _ outputs: Int, _ values: [Float]) throws -> Linear {
    try Fixture.withDirectory { directory in
      try SafetensorsWriter.save([.init(name: "w", shape: [outputs, inputs], type: .float32, values: values)], to: directory + "/w")
      let tensor = try #require(SafetensorsFile(directory + "/w").tensors["w"])
      return try Linear([StoredMatrix(tensor)], holding: .integers)
    }
  }

  private func group(_ inputs: Int) -> Int { [192: 96, 352: 88, 513: 64, 100: 100, 48: 48, 1: 4, 4096: 128][inputs] ?? 0 }

  @Test(arguments: shapes) func everyPathFollowsTheDefinitionForAnyNumberOfRows(_ inputs: Int, _ outputs: Int) throws {
    let weights = Fixture.floats(inputs * outputs, seed: 1)
    var x = Fixture.floats(40 * inputs, seed: 2)
    // Rows of nothing, of nearly nothing, and with one large element.
    for index in 0..<inputs { (x[3 * inputs + index], x[5 * inputs + index]) = (0, 1e-38) }
    x[7 * inputs] = 1000
    let expected = plain(x, weights, inputs, outputs, group: group(inputs))
    let layer = try layer(inputs, outputs, weights)
    defer { Kernels.reset() }
    for path in Kernels.paths where Kernels.select(path) {
      for rows in 1...40 {
        let first = (rows * 7) % (41 - rows)
        let found = layer(Array(x[first * inputs..<(first + rows) * inputs]))
        let same = found.map(\.bitPattern) == expected[first * outputs..<(first + rows) * outputs].map(\.bitPattern)
        #expect(same, "\(path), \(rows) rows")
        if inputs > 1000, rows == 13 { break }
      }
    }
  }

  @Test func rowsAreReadOnceForAnyPartOfThemAndAnyLayer() throws {
    let (inputs, outputs, count) = (352, 70, 37)
    let (layer, other) = (try layer(inputs, outputs, Fixture.floats(inputs * outputs, seed: 1)), try layer(inputs, 33, Fixture.floats(inputs * 33, seed: 2)))
    let x = Fixture.floats(count * inputs, seed: 3)
    let short = try self.layer(192, outputs, Fixture.floats(192 * outputs, seed: 4))
    let (whole, wholeOther, wholeShort) = (layer(x), other(x), short(Array(x[..<(20 * 192)])))
    defer { Kernels.reset() }
    for path in Kernels.paths where Kernels.select(path) {
      let memory = AlignedFloats(count: x.count)
      memory.pointer.update(from: x, count: x.count)
      // Read by several threads; the last layer takes rows of another length.
      let foreign = layer.rows(memory.pointer, stride: 192, count: 20)
      for index in 0..<3 {
        let y = AlignedFloats(count: 96)
        short.apply(foreign, 4 + index..<5 + index, to: y.pointer, stride: 96, panels: 0..<3)
        #expect((0..<outputs).allSatisfy { y.pointer[$0] == wholeShort[(4 + index) * outputs + $0] }, "\(path)")
      }
      let rows = layer.rows(memory.pointer, stride: inputs, count: count, workers: Workers(3))
      // What is read once is not read again.
      memory.pointer.update(repeating: 0, count: x.count)
      for range in [0..<37, 1..<2, 5..<18, 30..<37, 3..<36] {
        let stride = 96
        let (y, z) = (AlignedFloats(count: range.count * stride), AlignedFloats(count: range.count * stride))
        y.pointer.update(repeating: 7, count: range.count * stride)
        layer.apply(rows, range, to: y.pointer, stride: stride, panels: 1..<3)
        other.apply(rows, range, to: z.pointer, stride: stride, panels: 0..<2)
        for (index, row) in range.enumerated() {
          let (found, foundOther) = (y.pointer + index * stride, z.pointer + index * stride)
          #expect((0..<32).allSatisfy { found[$0] == 7 } && (32..<outputs).allSatisfy { found[$0] == whole[row * outputs + $0] }, "\(path) \(range)")
          #expect((0..<33).allSatisfy { foundOther[$0] == wholeOther[row * 33 + $0] }, "\(path) \(range)")
        }
      }
    }
  }

  @Test func whatIsNotFiniteIsSeen() throws {
    let layer = try layer(256, 64, Fixture.floats(256 * 64, seed: 1))
    defer { Kernels.reset() }
    for path in Kernels.paths where Kernels.select(path) {
      for bad in [Float.nan, .infinity, -.infinity] {
        var x = Fixture.floats(3 * 256, seed: 3)
        x[300] = bad
        let found = layer(x)
        #expect(found[0..<64].allSatisfy(\.isFinite) && found[64..<128].allSatisfy(\.isNaN) && found[128...].allSatisfy(\.isFinite))
      }
    }
    var weights = Fixture.floats(256 * 64, seed: 1)
    weights[700] = .infinity
    #expect(throws: WeightsError.self) { try self.layer(256, 64, weights) }
  }

  @Test(arguments: FamilyFixtures.names) func everyFamilyAnyBatchAnyRowsAnyThreads(_ name: String) throws {
    let single = try FamilyFixtures.model(name, type: .bfloat16, holding: .integers)
    let whole = [1, 5, 16, 33, 50].map { Query(tokens: Fixture.tokens($0, seed: $0), rows: Array(0..<$0)) }
    let alone = try whole.map { bits(try single.rows([$0])[0]) }
    let model = try FamilyFixtures.model(name, threads: 3, type: .bfloat16, holding: .integers)
    #expect(try model.rows(whole.reversed()).map(bits) == alone.reversed())
    let some = whole.map { query in Query(tokens: query.tokens, rows: query.rows.filter { ($0 + query.rows.count) % 3 == 0 }) }
    let found = try model.rows(some).map(bits)
    for (index, query) in some.enumerated() { #expect(found[index] == query.rows.map { alone[index][$0] }) }
    defer { Kernels.reset() }
    for path in Kernels.paths where Kernels.select(path) {
      #expect(try bits(single.rows([whole[3]])[0]) == alone[3], "\(path)")
    }
  }

  @Test func storedIntegersAreUsedAsTheyAre() throws {
    // A row that is itself small integers is exact, so that the product is that of the stored weights in float32.
    try Fixture.withDirectory { parent in
      let (from, to) = (parent + "/from", parent + "/to")
      try FileManager.default.createDirectory(atPath: from, withIntermediateDirectories: true)
      try RandomModel.write(Fixture.shape(width: 96, feedForward: 224), to: from)
      for quantizer in [Quantizer(.eight, group: nil), Quantizer(.eight, group: 32), Quantizer(.four, group: 32)] {
        let directory = to + "-\(quantizer.bits)-\(quantizer.group ?? 0)"
        _ = try CheckpointQuantizer(directory: from, quantizer).write(to: directory)
        let checkpoint = try Checkpoint(directory: directory)
        for (name, rows, columns) in [("q_proj", 96, 96), ("ff_out", 96, 224)] {
          let matrix = try checkpoint.matrix("model.transformer.blocks.1.\(name).weight", rows: rows, columns: columns)
          var x = Fixture.floats(columns, seed: 5).map { ($0 * 127).rounded() }
          for index in stride(from: 0, to: columns, by: 32) { x[index] = 127 }
          let exact = try Linear([matrix], holding: .packed)(x)
          let found = try Linear([matrix], holding: .integers)(x)
          for (a, b) in zip(exact, found) { #expect(abs(a - b) <= 1e-3) }
        }
      }
    }
  }

  @Test func theShippedModelMostlyAgrees() throws {
    let directory = try ModelCatalog().directory("reference")
    let exact = try Transformer(directory: directory)
    let small = try Transformer(directory: directory, options: ModelReference("reference?precision=int8").options)
    var (rows, same, worst) = (0, 0, 0.0)
    for seed in 0..<6 {
      // Texts with masks, as a decoder shows them.
      let tokens = Fixture.tokens(64, seed: seed, vocabulary: 950).enumerated().map { $0 % 3 == 0 ? 1 : $1 }
      let query = Query(tokens: tokens, rows: Array(0..<64))
      for (a, b) in zip(try exact.rows([query])[0], try small.rows([query])[0]) {
        rows += 1
        if a.indices.max(by: { a[$0] < a[$1] }) == b.indices.max(by: { b[$0] < b[$1] }) { same += 1 }
        for (x, y) in zip(a, b) { worst = max(worst, Double(abs(x - y))) }
      }
    }
    #expect(Double(same) >= 0.9 * Double(rows), "\(same) of \(rows) rows, largest difference \(worst)")
    #expect(worst > 0 && worst < 3, "\(same) of \(rows) rows, largest difference \(worst)")
  }

  @Test func precisionIsAnOption() throws {
    #expect(try ModelReference("m?precision=int8").text == "m?precision=int8" && ModelReference("m?precision=float32").text == "m")
    #expect(try ModelReference("m?skip_layers=1&precision=int8").options.precision == .int8)
    for value in ["", "int4", "INT8", "8"] {
      #expect { try ModelReference("m?precision=\(value)") } throws: { "\($0)" == "model option `precision` is \"\(value)\", expected float32 or int8" }
    }
    #expect { try ModelReference("m?precison=int8") } throws: { "\($0)".contains("did you mean `precision`") }
    let path = try Fixture.path("model")
    #expect(try LoadedModel(path + "?precision=int8").digest != LoadedModel(path).digest)
    #expect(try LoadedModel(path + "?precision=float32").digest == LoadedModel(path).digest)
  }
}
