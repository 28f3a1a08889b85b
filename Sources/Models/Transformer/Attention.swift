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
/// Legend: L keys of the sequence, Q its query rows, W head width.
struct Attention {
  /// Rows of queries that share one pass over the keys.
  static let tile = 48

  let shape: ModelConfiguration
  let rotary: Rotary.Table
  let norms: Transformer.HeadNorms?
  let query: Query

  /// The rows whose output is wanted: all, or in the last layer those asked for.
  let rows: Span
  /// Which rows those are, within the sequence.
  enum Span {
    case all
    case some([Int])

    subscript(index: Int) -> Int {
      switch self {
      case .all: index
      case .some(let rows): rows[index]
      }
    }

    func count(of length: Int) -> Int {
      switch self {
      case .all: length
      case .some(let rows): rows.count
      }
    }
  }

  /// - Parameters:
  ///   - group: the key and value head.
  ///   - queries: the first of Q rows of all heads' queries; rotated in place.
  ///   - keys: the first of L rows, this group's keys; rotated in place.
  ///   - values: the first of L rows, this group's values.
  ///   - output: the first of Q rows of all heads' output.
  func run(
    group: Int, queries: UnsafeMutablePointer<Float>, keys: UnsafeMutablePointer<Float>, values: UnsafePointer<Float>, keyStride: Int,
    output: UnsafeMutablePointer<Float>, stride: Int, scratch: Memory
  ) {
    let length = query.tokens.count
    let width = shape.headWidth
    let perGroup = shape.heads / shape.keyValueHeads
    for row in 0..<length {
      turn(keys + row * keyStride, heads: 1, norm: norms?.key, position(row), scale: 1)
    }
    unmask_pack_rows(keys, keyStride, length, width, scratch.keys)
    unmask_pack_columns(values, keyStride, length, width, scratch.values)
    let scale = 1 / Float(width).squareRoot()
    let firstColumn = group * perGroup * width
    let count = rows.count(of: length)
    for index in 0..<count {
      turn(queries + index * stride + firstColumn, heads: perGroup, norm: norms?.query, position(rows[index]), scale: scale)
    }
    let scoreStride = AlignedFloats.stride(length)
    let outStride = AlignedFloats.stride(width)
    for head in 0..<perGroup {
      let column = firstColumn + head * width
      for start in Swift.stride(from: 0, to: count, by: Self.tile) {
        let tile = min(Self.tile, count - start)
        unmask_matmul(queries + start * stride + column, stride, tile, width, scratch.keys, (length + 31) / 32, scratch.scores, scoreStride)
        for index in 0..<tile { hide(scratch.scores + index * scoreStride, rows[start + index]) }
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

  private func position(_ row: Int) -> Int { query.positionIDs?[row] ?? row }

  /// Norms heads that lie side by side, and rotates them.
  private func turn(_ heads: UnsafeMutablePointer<Float>, heads count: Int, norm: AlignedFloats?, _ position: Int, scale: Float) {
    let width = shape.headWidth
    if let norm { unmask_rmsnorm(heads, width, count, width, norm.pointer, shape.normEpsilon, heads, width) }
    unmask_rotate(heads, count, width, shape.rotaryWidth, rotary.cosine(position), rotary.sine(position), scale)
  }

  /// Takes the keys that a row may not see out of its scores.
  private func hide(_ scores: UnsafeMutablePointer<Float>, _ row: Int) {
    if let visibility = query.visibility {
      for key in 0..<visibility.count where !visibility[row, key] { scores[key] = -.infinity }
    }
    guard let block = shape.attentionBlock else { return }
    let (length, own) = (query.tokens.count, position(row) / block)
    if query.positionIDs == nil {
      for key in min((own + 1) * block, length)..<length { scores[key] = -.infinity }
    } else {
      for key in 0..<length where position(key) / block > own { scores[key] = -.infinity }
    }
  }
}
