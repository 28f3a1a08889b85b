import CPlainBLAS
import Diffusion
import Models

/// The matrix products of a forward pass and nothing else, as a plain user of OpenBLAS computes them: float32 weights `[outputs, inputs]` as they are stored,
/// one `cblas_sgemm` for each matrix, two for each head of attention, the last layer and the head for the rows asked for only.
///
/// Every layer has weights of its own, so that as much memory is read as by a model that holds float32; one that reads its bfloat16 file reads half. Results
/// lie where the next product does not read them: nothing grows.
final class PlainProducts {
  private let shape: ModelConfiguration
  private let rows: Int
  private let asked: Int
  /// Matrices of a layer: queries, keys, values, output, gate, up, down.
  private var layers: [[Matrix]] = []
  private let head: Matrix
  private let inputs: UnsafeMutablePointer<Float>
  private let results: UnsafeMutablePointer<Float>
  private let scores: UnsafeMutablePointer<Float>

  private struct Matrix {
    let weights: UnsafeMutablePointer<Float>
    let outputs: Int
    let inputs: Int

    init(_ outputs: Int, _ inputs: Int) {
      (self.outputs, self.inputs) = (outputs, inputs)
      weights = .allocate(capacity: outputs * inputs)
      PlainProducts.fill(weights, outputs * inputs)
    }
  }

  /// - Parameters:
  ///   - rows: positions of the canvas.
  ///   - asked: rows asked for.
  init(_ shape: ModelConfiguration, rows: Int, asked: Int) {
    (self.shape, self.rows, self.asked) = (shape, rows, asked)
    let (width, inner) = (shape.width, shape.feedForward)
    let (queries, keys) = (shape.heads * shape.headWidth, shape.keyValueHeads * shape.headWidth)
    for _ in 0..<shape.layers {
      layers.append([
        Matrix(queries, width), Matrix(keys, width), Matrix(keys, width), Matrix(width, queries), Matrix(inner, width), Matrix(inner, width),
        Matrix(width, inner),
      ])
    }
    head = Matrix(shape.vocabularySize, width)
    inputs = .allocate(capacity: rows * max(width, inner, queries))
    results = .allocate(capacity: max(rows * max(width, inner, queries), asked * shape.vocabularySize))
    scores = .allocate(capacity: rows * rows)
    Self.fill(inputs, rows * max(width, inner, queries))
    Self.fill(scores, rows * rows)
  }

  deinit {
    for matrix in layers.joined() { matrix.weights.deallocate() }
    for memory in [head.weights, inputs, results, scores] { memory.deallocate() }
  }

  /// One pass's products.
  func run(threads: Int) {
    openblas_set_num_threads(Int32(threads))
    for (index, matrices) in layers.enumerated() {
      let count = index == layers.count - 1 ? asked : rows
      multiply(matrices[1], rows)
      multiply(matrices[2], rows)
      multiply(matrices[0], count)
      attend(count)
      for matrix in matrices[3...] { multiply(matrix, count) }
    }
    multiply(head, asked)
  }

  private func multiply(_ matrix: Matrix, _ count: Int) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(count), blasint(matrix.outputs), blasint(matrix.inputs), 1, inputs, blasint(matrix.inputs),
      matrix.weights, blasint(matrix.inputs), 0, results, blasint(matrix.outputs))
  }

  /// Scores and weighted sums, head by head.
  private func attend(_ count: Int) {
    let (heads, groups, width) = (shape.heads, shape.keyValueHeads, shape.headWidth)
    for head in 0..<heads {
      let keys = inputs + head * groups / heads * width
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(count), blasint(rows), blasint(width), 1, inputs + head * width, blasint(heads * width), keys,
        blasint(groups * width), 0, scores, blasint(rows))
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(count), blasint(width), blasint(rows), 1, scores, blasint(rows), keys, blasint(groups * width), 0,
        results + head * width, blasint(heads * width))
    }
  }

  /// Small numbers of both signs, none so small that arithmetic slows down.
  private static func fill(_ memory: UnsafeMutablePointer<Float>, _ count: Int) {
    var stream = SeededStream(SeededRandom(seed: 5))
    let piece = min(count, 1 << 18)
    for index in 0..<piece {
      let bits = stream.next()
      memory[index] = (0.01 + Float(bits >> 40) * 0x1p-24 * 0.02) * (bits & 1 == 0 ? 1 : -1)
    }
    var done = piece
    while done < count {
      let more = min(piece, count - done)
      (memory + done).update(from: memory, count: more)
      done += more
    }
  }
}
