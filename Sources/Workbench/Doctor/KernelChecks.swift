internal import Diffusion
internal import Foundation
internal import Models

/// Whether the kernels compute what they say: held against plain loops in float64, against OpenBLAS, and against each other.
///
/// Legend: `K` inputs of a product; 2^-24: what one rounding costs a number at most, as a share of it.
struct KernelChecks {
  private let subject: DoctorSubject

  init(_ subject: DoctorSubject) { self.subject = subject }

  var steps: [DoctorStep] {
    [
      DoctorStep(.numbers, "exponential") { exponential() },
      DoctorStep(.numbers, "softmax") { softmax() },
      DoctorStep(.numbers, "swiglu, rmsnorm") { gateAndNorm() },
      DoctorStep(.numbers, "matrix products") { products() },
      DoctorStep(
        .numbers, "paths",
        "\(Kernels.paths.joined(separator: ", ")): the same bits, for 1 to 600 elements, rows of 5000 and 10,000 logits, and 1, 7 and 33 rows by a matrix held in every way"
      ) { () throws(ConfigurationError) in try paths() },
      DoctorStep(.numbers, "against OpenBLAS") { openBLAS() },
    ]
  }

  /// Numbers from -1 to 1.
  private func numbers(_ count: Int, _ name: String) -> [Float] {
    var stream = SeededStream(SeededRandom(seed: 0)["doctor"][name])
    return (0..<count).map { _ in Float(stream.next() >> 40) * 0x1p-23 - 1 }
  }

  /// - Parameters:
  ///   - worst: how far a value is from the exact one; NaN, which is no number below a bound, where it is none.
  ///   - unit: what `worst` counts.
  private func outcome(_ tried: String, _ worst: Double, allowed: Double = 1, _ unit: String) -> (tried: String, verdict: DoctorReport.Verdict) {
    let words = "at most \(fixed(worst, 3)) \(unit), allowed \(fixed(allowed, 0))"
    return ("\(tried): \(words)", worst <= allowed ? .holds : .differs([words]))
  }

  private func exponential() -> (tried: String, verdict: DoctorReport.Verdict) {
    let count = 1 << 20
    let x = (0..<count).map { -87 + Float($0) * (175 / Float(count)) }
    var worst = 0.0
    for (input, output) in zip(x, Kernels.exp(x)) {
      let exact = exp(Double(input))
      worst = maximum(worst, abs(Double(output) - exact) / Double(Float(exact).ulp))
    }
    return outcome("\(count) values from -87 to 88", worst, "ulp off float64")
  }

  private func softmax() -> (tried: String, verdict: DoctorReport.Verdict) {
    var worst = 0.0
    let counts = [1, 2, 15, 16, 17, 33, 100, 513]
    for count in counts {
      let x = numbers(5 * count, "softmax \(count)").map { $0 * 20 }
      let found = Kernels.softmax(x, rows: 5)
      for row in 0..<5 {
        let own = x[row * count..<(row + 1) * count]
        let total = own.reduce(0.0) { $0 + exp(Double($1)) }
        let top = Double(own.max() ?? 0)
        for index in own.indices {
          let exact = exp(Double(x[index])) / total
          // The exponent is rounded once.
          let budget = exact * (1e-6 + (top - Double(x[index])) * 0x1p-24) + 1e-37
          worst = maximum(worst, abs(Double(found[index]) - exact) / budget)
        }
      }
    }
    return outcome("rows of 1 to 513 from -20 to 20", worst, "times 1e-6 + 2^-24 (largest - x) of the value off float64")
  }

  private func gateAndNorm() -> (tried: String, verdict: DoctorReport.Verdict) {
    var worst = 0.0
    for count in [1, 16, 33, 512, 1023] {
      let (gate, up) = (numbers(count, "gate \(count)").map { $0 * 30 }, numbers(count, "up \(count)"))
      let gated = Kernels.swiglu(gate, up)
      let normed = Kernels.rmsnorm(gate, weight: up, epsilon: 1e-5)
      let mean = gate.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
      for index in 0..<count {
        let wide = Double(gate[index])
        for (found, exact) in [
          (gated[index], wide / (1 + exp(-wide)) * Double(up[index])), (normed[index], wide * Double(up[index]) / (mean + 1e-5).squareRoot()),
        ] { worst = maximum(worst, abs(Double(found) - exact) / (abs(exact) * 1e-6 + 1e-37)) }
      }
    }
    return outcome("rows of 1 to 1023", worst, "millionths of the value off float64")
  }

  /// Matrices of the model under examination, one of each shape, times random rows.
  private func products() -> (tried: String, verdict: DoctorReport.Verdict) {
    guard subject.isNative, let directory = subject.directory else { return ("", .skipped("the native engine does not compute this model")) }
    do throws(WeightsError) {
      let tensors = try matrices(Checkpoint(directory: directory), limit: 6)
      var (exactly, mutually) = (0.0, 0.0)
      for tensor in tensors {
        let (own, theirs) = try distance(tensor)
        exactly = maximum(exactly, own)
        mutually = maximum(mutually, theirs)
      }
      let words = tensors.map { "\($0.shape[0])x\($0.shape[1])" }.joined(separator: ", ")
      guard !tensors.isEmpty else { return ("", .skipped("no matrix of the model is stored in floating point and small enough")) }
      let unit = "times K 2^-24 sum |x w|"
      let own = outcome("13 rows by \(words)", exactly, "\(unit) off float64")
      let theirs = outcome("", mutually, allowed: 2, "off OpenBLAS")
      return ("\(own.tried); \(theirs.tried.dropFirst(2))", own.verdict.isBad ? own.verdict : theirs.verdict)
    } catch { return ("", .failed("\(error)")) }
  }

  /// How far products are from float64 and from OpenBLAS's, in units of the bound on a sum of `K` products: K 2^-24 sum |x w|.
  private func distance(_ tensor: StoredTensor) throws(WeightsError) -> (own: Double, theirs: Double) {
    let (outputs, inputs, rows) = (tensor.shape[0], tensor.shape[1], 13)
    let x = numbers(rows * inputs, tensor.name)
    let found = try Linear([tensor], arithmetic: .kernels)(x)
    let other = try Linear([tensor], arithmetic: .openBLAS)(x)
    let weights = try tensor.values()
    var (own, theirs) = (0.0, 0.0)
    // Every fifth output, the last among them.
    for output in stride(from: outputs - 1, through: 0, by: -5) {
      for row in 0..<rows {
        var (exact, size) = (0.0, 0.0)
        for k in 0..<inputs {
          let product = Double(x[row * inputs + k]) * Double(weights[output * inputs + k])
          exact += product
          size += abs(product)
        }
        let bound = size * Double(inputs) * 0x1p-24 + 1e-37
        let at = row * outputs + output
        own = maximum(own, abs(Double(found[at]) - exact) / bound)
        theirs = maximum(theirs, abs(Double(found[at]) - Double(other[at])) / bound)
      }
    }
    return (own, theirs)
  }

  private func paths() throws(ConfigurationError) -> [String] {
    var lines: [String] = []
    for count in [1, 15, 16, 17, 31, 32, 33, 100, 257, 600] {
      let (x, y) = (numbers(count, "x \(count)").map { $0 * 80 }, numbers(count, "y \(count)"))
      let kernels: [(String, () -> [Float])] = [
        ("exponential", { Kernels.exp(x) }), ("softmax", { Kernels.softmax(x, rows: 1) }), ("swiglu", { Kernels.swiglu(x, y) }),
        ("rmsnorm", { Kernels.rmsnorm(x, weight: y, epsilon: 1e-6) }),
      ]
      for (name, kernel) in kernels { lines += differences("\(name) of \(count)", kernel) }
    }
    for count in [5000, 10_000] {
      let row = numbers(count, "row \(count)").map { $0 * 20 }
      lines += differences("reading \(count) logits") { Self.read(row) }
    }
    guard subject.isNative, let directory = subject.directory else { return lines }
    do throws(WeightsError) {
      guard let tensor = try matrices(Checkpoint(directory: directory), limit: 1).first else { return lines }
      for holding in Linear.Holding.allCases {
        let layer = try Linear([StoredMatrix(tensor)], holding: holding)
        for rows in [1, 7, 33] {
          let x = numbers(rows * layer.inputs, "product \(rows)")
          lines += differences("\(rows) rows by \(layer.outputs)x\(layer.inputs), \(holding)") { layer(x) }
        }
      }
    } catch { throw .unsupported("\(error)") }
    return lines
  }

  /// Where a path's numbers are not those of the path in use.
  private func differences(_ name: String, _ kernel: () -> [Float]) -> [String] {
    let now = Kernels.path
    defer { Kernels.reset() }
    let expected = kernel()
    return Kernels.paths.compactMap { path in
      guard path != now, Kernels.select(path) else { return nil }
      let found = kernel()
      guard let index = expected.indices.first(where: { !found.indices.contains($0) || found[$0].bitPattern != expected[$0].bitPattern }) else { return nil }
      return "\(name), element \(index): \(found.indices.contains(index) ? found[index] : .nan) with \(path), \(expected[index]) with \(now)"
    }
  }

  /// What is read of a long row: the best candidates, and the halves of its sums' bits.
  private static func read(_ logits: [Float]) -> [Float] {
    guard let summary = logits.withUnsafeBufferPointer({ LongRows.summary($0, reading: Reading(topK: 40)) }) else { return [] }
    let sums = [summary.mass.maximum, summary.mass.sum, summary.mass.weighted].flatMap { value in
      [Float(bitPattern: UInt32(truncatingIfNeeded: value.bitPattern)), Float(bitPattern: UInt32(value.bitPattern >> 32))]
    }
    return sums + summary.top.flatMap { [Float($0.token), $0.logit] }
  }

  /// Matrices of the model in floating point, small enough to be computed twice, no two of one shape.
  private func matrices(_ checkpoint: Checkpoint, limit: Int) throws(WeightsError) -> [StoredTensor] {
    var found: [StoredTensor] = []
    for name in checkpoint.names where found.count < limit {
      let tensor = try checkpoint.tensor(name)
      guard tensor.shape.count == 2, ElementType(rawValue: tensor.typeName) != nil, tensor.shape.reduce(1, *) <= 1 << 22,
        !found.contains(where: { $0.shape == tensor.shape })
      else { continue }
      found.append(tensor)
    }
    return found
  }

  /// The whole model, its matrix products computed by OpenBLAS: another order of sums in every layer.
  private func openBLAS() -> (tried: String, verdict: DoctorReport.Verdict) {
    guard subject.isNative, let directory = subject.directory else { return ("", .skipped("the native engine does not compute this model")) }
    guard subject.isSmall else { return ("", .skipped("the model would have to be copied as a whole")) }
    guard subject.options.precision == .float32 else { return ("", .skipped("products of small integers are sums of integers, which OpenBLAS has none of")) }
    let tolerance = GoldenSuite.Tolerance.standard
    let bound = "\(tolerance.absolute) + \(tolerance.relative) of the value"
    do {
      let tokens = subject.sequences.max { $0.count < $1.count } ?? []
      let other = TransformerDenoiser(try Transformer(directory: directory, threads: 1, arithmetic: .openBLAS, options: subject.options))
      let query = Query(tokens: tokens, rows: Array(tokens.indices), reading: Reading(fullRows: true))
      let (a, b) = (try subject.denoiser.believe([query])[0].rows, try other.believe([query])[0].rows)
      var (worst, isNear) = (0.0, true)
      for (row, twin) in zip(a, b) {
        for (x, y) in zip(row.full ?? [], twin.full ?? []) {
          worst = maximum(worst, abs(Double(x) - Double(y)))
          isNear = isNear && tolerance.allows(Double(x), recorded: Double(y))
        }
      }
      let words = "a logit is off by at most \(worst), allowed \(bound)"
      return ("all logits of \(tokens.count) tokens: \(words)", isNear ? .holds : .differs([words]))
    } catch { return ("", .failed("\(error)")) }
  }

  /// The larger of two, and NaN where either is.
  private func maximum(_ a: Double, _ b: Double) -> Double { a.isNaN || b.isNaN ? .nan : max(a, b) }
}
