import Diffusion
import Dispatch
import Foundation
import Models
import Synchronization
import Testing

/// A row's bits depend on its own sequence and on nothing else.
@Suite struct InvarianceTests {
  /// Every shape of matrix product in the fixture and reference models, wider ones, and edges: [K, N].
  static let shapes = [
    (128, 128), (128, 256), (128, 352), (352, 128), (128, 104), (192, 192), (192, 384), (384, 192), (192, 592), (192, 512), (512, 192), (192, 640),
    (513, 33), (1, 1),
  ]

  private func layer(_ inputs: Int, _ outputs: Int, _ arithmetic: Arithmetic, bias: Bool = false) throws -> Linear {
    try Fixture.withDirectory { directory in
      let path = directory + "/w.safetensors"
      try SafetensorsWriter.save(
        [
          .init(name: "w", shape: [outputs, inputs], type: .float32, values: Fixture.floats(inputs * outputs, seed: 1)),
          .init(name: "b", shape: [outputs], type: .float32, values: Fixture.floats(outputs, seed: 2)),
        ], to: path)
      let file = try SafetensorsFile(path)
      return try Linear([#require(file.tensors["w"])], biases: bias ? [#require(file.tensors["b"])] : [], arithmetic: arithmetic)
    }
  }

  /// M = 1 ... 300 rows against the same rows one at a time.
  private func checkRows(_ inputs: Int, _ outputs: Int, counts: some Sequence<Int>) throws {
    let layer = try layer(inputs, outputs, .kernels)
    let x = Fixture.floats(300 * inputs, seed: 3)
    var alone: [Float] = []
    for row in 0..<300 { alone += layer(Array(x[row * inputs..<(row + 1) * inputs])) }
    for count in counts {
      // The rows lie somewhere else each time, too.
      let first = (count * 7) % (301 - count)
      let found = layer(Array(x[first * inputs..<(first + count) * inputs]))
      let same = alone.withUnsafeBytes { a in
        found.withUnsafeBytes { b in b.elementsEqual(a[first * outputs * 4..<(first + count) * outputs * 4]) }
      }
      #expect(same, "M = \(count)")
    }
  }

  @Test(arguments: shapes) func anyNumberOfRows(_ inputs: Int, _ outputs: Int) throws {
    #if DEBUG
      // Unoptimised kernels would take minutes.
      try checkRows(inputs, outputs, counts: stride(from: 1, through: 300, by: 13))
    #else
      try checkRows(inputs, outputs, counts: 1...300)
    #endif
  }

  @Test func anyNumberOfRowsWide() throws {
    #if DEBUG
      try checkRows(768, 2048, counts: stride(from: 1, through: 300, by: 60))
    #else
      try checkRows(768, 2048, counts: 1...300)
      try checkRows(2048, 768, counts: 1...300)
    #endif
  }

  @Test(arguments: shapes) func bothArithmeticsAgree(_ inputs: Int, _ outputs: Int) throws {
    let x = Fixture.floats(50 * inputs, seed: 3)
    let (ours, theirs) = (try layer(inputs, outputs, .kernels, bias: true)(x), try layer(inputs, outputs, .openBLAS, bias: true)(x))
    // Both round each of K steps; elements are products of numbers below 1.
    for (a, b) in zip(ours, theirs) { #expect(abs(a - b) <= Float(inputs) * 0x1p-23) }
  }

  @Test func everyPathGivesTheSameBits() throws {
    let model = try Fixture.model(Fixture.shape(biases: true))
    let query = Query(tokens: Fixture.tokens(37, seed: 8), rows: Array(0..<37))
    defer { Kernels.reset() }
    var results: Set<[[UInt32]]> = []
    for path in Kernels.paths where Kernels.select(path) { results.insert(bits(try model.rows([query])[0])) }
    #expect(results.count == 1)
  }

  @Test(arguments: FamilyFixtures.names) func everyFamilyAnyBatchAnyRowsAnyThreadsAnyHolding(_ name: String) throws {
    let single = try FamilyFixtures.model(name, type: .bfloat16)
    let lengths = [1, 2, 5, 16, 33, 50]
    let whole = lengths.map { Query(tokens: Fixture.tokens($0, seed: $0), rows: Array(0..<$0)) }
    let alone = try whole.map { bits(try single.rows([$0])[0]) }
    for (threads, holding) in [(1, Linear.Holding.stored), (2, .packed), (3, .stored)] {
      let model = try FamilyFixtures.model(name, threads: threads, type: .bfloat16, holding: holding)
      let together = try model.rows(whole).map(bits) == alone
      let reversed = try model.rows(whole.reversed()).map(bits) == alone.reversed()
      #expect(together && reversed, "\(threads) threads, \(holding)")
      let some = whole.map { query in Query(tokens: query.tokens, rows: query.rows.filter { ($0 + query.rows.count) % 3 == 0 }) }
      let found = try model.rows(some).map(bits)
      for (index, query) in some.enumerated() {
        let same = found[index] == query.rows.map { alone[index][$0] }
        #expect(same, "\(threads) threads, length \(query.tokens.count)")
      }
    }
    defer { Kernels.reset() }
    var results: Set<[[UInt32]]> = []
    let stored = try FamilyFixtures.model(name, type: .float16, holding: .stored)
    for path in Kernels.paths where Kernels.select(path) { results.insert(bits(try stored.rows([whole[4]])[0])) }
    #expect(results.count == 1)
  }

  static let lengths = [1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 97, 130]

  @Test(arguments: [1, 2, 3], [Fixture.shape(), Fixture.shape(heads: 6, groups: 2, biases: true)])
  func anyBatchAnyRowsAnyThreads(_ threads: Int, _ shape: ModelConfiguration) throws {
    let single = try Fixture.model(shape)
    let model = try Fixture.model(shape, threads: threads)
    let whole = Self.lengths.map { Query(tokens: Fixture.tokens($0, seed: $0), rows: Array(0..<$0)) }
    let alone = try whole.map { bits(try single.rows([$0])[0]) }
    let together = try model.rows(whole).map(bits) == alone
    let reversed = try model.rows(whole.reversed()).map(bits) == alone.reversed()
    #expect(together && reversed)
    for stride in [2, 3, 7] {
      let some = whole.map { query in Query(tokens: query.tokens, rows: query.rows.filter { ($0 + query.rows.count) % stride == 0 }) }
      let found = try model.rows(some).map(bits)
      for (index, query) in some.enumerated() {
        let same = found[index] == query.rows.map { alone[index][$0] }
        #expect(same, "length \(query.tokens.count), every \(stride)th row")
      }
    }
    let last = whole.map { Query(tokens: $0.tokens, rows: [$0.tokens.count - 1]) }
    let same = try model.rows(last).map { bits($0)[0] } == alone.map { $0[$0.count - 1] }
    #expect(same)
  }

  @Test func callersAtOnceShareWeightsOnly() throws {
    let model = try Fixture.model(Fixture.shape())
    let queries = (0..<24).map { Query(tokens: Fixture.tokens(10 + 3 * $0, seed: $0), rows: Array(0..<10)) }
    let expected = try queries.map { bits(try model.rows([$0])[0]) }
    let wrong = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 4) { caller in
      do {
        for index in queries.indices {
          let turn = (index + 6 * caller) % queries.count
          if bits(try model.rows([queries[turn]])[0]) != expected[turn] { wrong.withLock { $0.append("query \(turn)") } }
        }
      } catch { wrong.withLock { $0.append("\(error)") } }
    }
    #expect(wrong.withLock { $0 } == [])
  }

  @Test func rowsNobodySeesChangeNothing() throws {
    let model = try Fixture.model(Fixture.shape())
    let tokens = Fixture.tokens(30, seed: 4)
    var padded = Query(tokens: tokens + Fixture.tokens(9, seed: 5), rows: Array(0..<30))
    padded.visibility = Visibility(count: 39) { row, key in key < 30 || row == key }
    let same = try bits(model.rows([padded])[0]) == bits(model.rows([Query(tokens: tokens, rows: padded.rows)])[0])
    #expect(same)
  }

  @Test func tilesOfLogitsCoverEveryRowOnce() throws {
    // A vocabulary so large that logits come in several tiles.
    let model = try Fixture.model(Fixture.shape(layers: 1, width: 8, heads: 2, groups: 2, feedForward: 8, vocabulary: 60000))
    let query = Query(tokens: Fixture.tokens(150, seed: 6), rows: Array(0..<150))
    var seen: [Int] = []
    var tiles = 0
    try model.forward([query]) { (tile) throws(DenoiserError) in
      seen += tile.rows
      tiles += 1
    }
    #expect(seen == Array(0..<150) && tiles > 1)
  }
}
