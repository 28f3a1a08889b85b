import Foundation
import Models
import Testing

/// Numerical budgets of the kernels against float64.
@Suite struct KernelTests {
  @Test func exponentialWithinOneUlp() {
    var worst = 0.0
    let x = (0..<2_000_000).map { -87 + Float($0) * (175 / 2_000_000) }
    for (input, output) in zip(x, Kernels.exp(x)) where input <= 88 {
      let exact = exp(Double(input))
      worst = max(worst, abs(Double(output) - exact) / Double(Float(exact).ulp))
    }
    #expect(worst <= 1, "worst error \(worst) ulp")
  }

  @Test func exponentialAtTheEdges() {
    let found = Kernels.exp([0, -0.0, -.infinity, -100, -87.4, 88.72, 200, .nan])
    #expect(found[0] == 1 && found[1] == 1 && found[2] == 0 && found[3] == 0 && found[4] == 0)
    #expect(found[5].isFinite && found[6].isFinite && found[7].isNaN)
  }

  @Test(arguments: [1, 2, 15, 16, 17, 31, 32, 33, 100, 513]) func softmaxRows(_ count: Int) {
    var x = Fixture.floats(7 * count, seed: UInt64(count)).map { $0 * 20 }
    if count > 2 { x[1] = -.infinity }
    let all = Kernels.softmax(x, rows: 7)
    for (row, found) in stride(from: 0, to: x.count, by: count).map({ Array(x[$0..<$0 + count]) }).enumerated() {
      let total = found.reduce(0.0) { $0 + exp(Double($1)) }
      let top = Double(found.max() ?? 0)
      for (index, value) in found.enumerated() {
        let exact = exp(Double(value)) / total
        // The exponent `value - top` is rounded once; the rest costs less than 1e-6.
        let budget = value.isFinite ? 1e-6 + (top - Double(value)) * 0x1p-24 : 0
        #expect(abs(Double(all[row * count + index]) - exact) <= exact * budget + 1e-37)
      }
    }
  }

  @Test(arguments: [1, 16, 33, 512]) func swigluAndNorm(_ count: Int) {
    let gate = Fixture.floats(count, seed: 1).map { $0 * 30 }
    let up = Fixture.floats(count, seed: 2)
    for (index, found) in Kernels.swiglu(gate, up).enumerated() {
      let exact = Double(gate[index]) / (1 + exp(-Double(gate[index]))) * Double(up[index])
      #expect(abs(Double(found) - exact) <= abs(exact) * 1e-6)
    }
    let mean = gate.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
    for (index, found) in Kernels.rmsnorm(gate, weight: up, epsilon: 1e-5).enumerated() {
      let exact = Double(gate[index]) * Double(up[index]) / (mean + 1e-5).squareRoot()
      #expect(abs(Double(found) - exact) <= abs(exact) * 1e-6)
    }
  }

  @Test func everyPathGivesTheSameBits() {
    let x = Fixture.floats(4099, seed: 9).map { $0 * 90 }
    defer { Kernels.reset() }
    var results: Set<[UInt32]> = []
    for path in Kernels.paths where Kernels.select(path) {
      let all = Kernels.exp(x) + Kernels.softmax(x, rows: 1) + Kernels.swiglu(x, x) + Kernels.rmsnorm(x, weight: x, epsilon: 1e-6)
      results.insert(all.map(\.bitPattern))
    }
    #expect(results.count == 1)
  }

  @Test func storedTypesWidenExactly() throws {
    // Every finite value is written, read back and equal; the narrow types round to nearest.
    let values = Fixture.floats(3000, seed: 4).enumerated().map { $1 * pow(10, Float($0 % 12) - 8) } + [0, -0.0, 65504, 6e-8, 2e-8]
    try Fixture.withDirectory { directory in
      for (type, relative, absolute) in [(ElementType.float32, 0, 0), (.bfloat16, 0x1p-8, 0), (.float16, 0x1p-11, 0x1p-25)] {
        try SafetensorsWriter.save([.init(name: "x", shape: [values.count], type: type, values: values)], to: directory + "/x")
        let found = try #require(SafetensorsFile(directory + "/x").tensors["x"]).values()
        for (a, b) in zip(values, found) { #expect(abs(Double(a) - Double(b)) <= max(abs(Double(a)) * relative, absolute)) }
        try SafetensorsWriter.save([.init(name: "x", shape: [values.count], type: type, values: found)], to: directory + "/y")
        #expect(try #require(SafetensorsFile(directory + "/y").tensors["x"]).values() == found)
      }
    }
  }
}
