internal import CKernels
internal import Diffusion

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Attention of one head group of one sequence: rotary positions, scores, softmax, weighted sum.
///
/// A score is a chain over the head's width, a weighted sum is a chain over the keys in order, and a softmax adds in 16 lanes by key
/// index: nothing depends on which other query rows are computed. A key that a row may not see has weight exactly 0, so rows appended to
/// a sequence that nobody else sees change no bit of the others.
///
/// Legend: L keys that are seen, R rows of the sequence that go through the layers, Q those of them whose output is wanted, W head width.
struct Attention {
  /// Rows of queries that share one pass over the keys.
  static let tile = 48

  let shape: ModelConfiguration
  let rotary: Rotary.Table
  let norms: Transformer.HeadNorms?
  let lane: Lane
  /// Where keys and values come from; see `Lane.places`.
  let places: [Int32]?
  /// The Q rows whose output is wanted, as rows of the sequence: in the last layer those asked for; nil: all.
  let rows: [Int]?

  /// - Parameters:
  ///   - group: the key and value head.
  ///   - queries: the first of Q rows of all heads' queries; rotated in place.
  ///   - keysValues: the first of R rows of all groups' keys, then values; this group's keys are rotated in place.
  ///   - held: the first row of keys and values held from earlier passes.
  ///   - output: the first of Q rows of all heads' output.
  func run(
    group: Int, queries: UnsafeMutablePointer<Float>, keysValues: UnsafeMutablePointer<Float>, keyStride: Int, held: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, stride: Int, scratch: Memory
  ) {
    let length = lane.keys
    let width = shape.headWidth
    let perGroup = shape.heads / shape.keyValueHeads
    let keys = keysValues + group * width
    for index in 0..<lane.count {
      turn(keys + index * keyStride, heads: 1, norm: norms?.key, position(lane.row(index)), scale: 1)
    }
    gathered(keys, keyStride, held.map { $0 + group * width }) { unmask_pack_rows($0, length, width, scratch.keys) }
    let values = (shape.keyValueHeads + group) * width
    gathered(keysValues + values, keyStride, held.map { $0 + values }) { unmask_pack_columns($0, length, width, scratch.values) }
    let scale = 1 / Float(width).squareRoot()
    let firstColumn = group * perGroup * width
    let count = rows?.count ?? lane.count
    for index in 0..<count {
      turn(queries + index * stride + firstColumn, heads: perGroup, norm: norms?.query, position(row(index)), scale: scale)
    }
    let scoreStride = AlignedFloats.stride(length)
    let outStride = AlignedFloats.stride(width)
    for head in 0..<perGroup {
      let column = firstColumn + head * width
      for start in Swift.stride(from: 0, to: count, by: Self.tile) {
        let tile = min(Self.tile, count - start)
        unmask_matmul(queries + start * stride + column, stride, tile, width, scratch.keys, (length + 31) / 32, scratch.scores, scoreStride)
        for index in 0..<tile { hide(scratch.scores + index * scoreStride, row(start + index)) }
        unmask_softmax(scratch.scores, scoreStride, tile, length)
        unmask_matmul(scratch.scores, scoreStride, tile, length, scratch.values, (width + 31) / 32, scratch.output, outStride)
        for index in 0..<tile {
          memcpy(output + (start + index) * stride + column, scratch.output + index * outStride, width * MemoryLayout<Float>.stride)
        }
      }
    }
  }

  /// One worker's memory.
  struct Memory {
    let keys: UnsafeMutablePointer<Float>
    let values: UnsafeMutablePointer<Float>
    let scores: UnsafeMutablePointer<Float>
    let output: UnsafeMutablePointer<Float>

    init(_ scratch: Scratch, worker: Int, longest: Int, headWidth: Int) {
      let padded = (longest + 31) / 32 * 32
      keys = scratch.buffer(.keys(worker), padded * headWidth)
      values = scratch.buffer(.values(worker), (headWidth + 31) / 32 * 32 * longest)
      scores = scratch.buffer(.attention(worker), Attention.tile * AlignedFloats.stride(longest))
      output = scratch.buffer(.output(worker), Attention.tile * AlignedFloats.stride(headWidth))
    }
  }

  /// The rows that are seen, wherever they come from.
  private func gathered(
    _ fresh: UnsafePointer<Float>, _ stride: Int, _ held: UnsafePointer<Float>?, _ body: (UnsafePointer<unmask_rows>) -> Void
  ) {
    var rows = unmask_rows(fresh: fresh, ldf: stride, held: held, ldh: lane.held?.width ?? 0, place: nil)
    guard let places else { return body(&rows) }
    places.withUnsafeBufferPointer {
      rows.place = $0.baseAddress
      body(&rows)
    }
  }

  private func row(_ index: Int) -> Int { rows?[index] ?? index }

  private func position(_ row: Int) -> Int { lane.query.positionIDs?[row] ?? row }

  /// Norms heads that lie side by side, and rotates them.
  private func turn(_ heads: UnsafeMutablePointer<Float>, heads count: Int, norm: AlignedFloats?, _ position: Int, scale: Float) {
    let width = shape.headWidth
    if let norm { unmask_rmsnorm(heads, width, count, width, norm.pointer, shape.normEpsilon, heads, width) }
    unmask_rotate(heads, count, width, shape.rotaryWidth, rotary.cosine(position), rotary.sine(position), scale)
  }

  /// Takes the keys that a row may not see out of its scores.
  private func hide(_ scores: UnsafeMutablePointer<Float>, _ row: Int) {
    if let visibility = lane.query.visibility {
      for key in 0..<lane.keys where !visibility[row, lane.key(key)] { scores[key] = -.infinity }
    }
    guard let block = shape.attentionBlock else { return }
    let (length, own) = (lane.keys, position(row) / block)
    if lane.query.positionIDs == nil, lane.seen == nil {
      for key in min((own + 1) * block, length)..<length { scores[key] = -.infinity }
    } else {
      for key in 0..<length where position(lane.key(key)) / block > own { scores[key] = -.infinity }
    }
  }
}
