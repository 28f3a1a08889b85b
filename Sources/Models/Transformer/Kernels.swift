internal import CKernels

/// The C kernels, for the doctor and for tests: which path runs, and that every path gives the same bits.
package enum Kernels {
  /// The path taken on this machine: "avx512+amx", "avx512+vnni", "avx512", "avx2" or "portable"; what stands behind a plus sign multiplies integers.
  package static var path: String { String(cString: unmask_kernel_path()) }

  /// Every path this machine can take, the widest first.
  package static var paths: [String] { ["avx512+amx", "avx512+vnni", "avx512", "avx2", "portable"].filter { unmask_kernel_can($0) == 1 } }

  /// Of those with the same kernels for floats, which differ in how they multiply small integers, the first.
  package static var floatPaths: [String] {
    paths.reduce(into: []) { found, path in
      let floats = { (name: String) in name.prefix { $0 != "+" } }
      if !found.contains(where: { floats($0) == floats(path) }) { found.append(path) }
    }
  }

  /// Takes the widest path again, as it is when a program starts: not the one before, which another thread may have selected for a while.
  package static func reset() { _ = unmask_kernel_select(paths[0]) }

  /// Takes a path from now on; false if this machine cannot.
  package static func select(_ path: String) -> Bool { unmask_kernel_select(path) == 1 }

  /// Exponentials of all elements.
  package static func exp(_ x: [Float]) -> [Float] {
    Array(unsafeUninitializedCapacity: x.count) { buffer, count in
      count = x.count
      if let out = buffer.baseAddress { unmask_exp(x, out, x.count) }
    }
  }

  /// Float64 exponentials of elements of at most 0.
  package static func exp64(_ x: [Double]) -> [Double] {
    Array(unsafeUninitializedCapacity: x.count) { buffer, count in
      count = x.count
      if let out = buffer.baseAddress { unmask_exp64(x, out, x.count) }
    }
  }

  /// Softmax of each row of a `[rows, count]` matrix.
  package static func softmax(_ x: [Float], rows: Int) -> [Float] {
    let count = rows > 0 ? x.count / rows : 0
    let stride = AlignedFloats.stride(count)
    let memory = AlignedFloats(count: rows * stride)
    for row in 0..<rows { for index in 0..<count { memory.pointer[row * stride + index] = x[row * count + index] } }
    unmask_softmax(memory.pointer, stride, rows, count)
    return (0..<rows * count).map { memory.pointer[$0 / count * stride + $0 % count] }
  }

  /// `silu(gate) * up`.
  package static func swiglu(_ gate: [Float], _ up: [Float]) -> [Float] {
    var out = gate
    let count = min(gate.count, up.count)
    out.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { unmask_swiglu(base, up, count, 1, count) }
    }
    return out
  }

  /// RMSNorm of one row.
  package static func rmsnorm(_ x: [Float], weight: [Float], epsilon: Float) -> [Float] {
    Array(unsafeUninitializedCapacity: x.count) { buffer, count in
      count = x.count
      if let out = buffer.baseAddress { unmask_rmsnorm(x, x.count, 1, x.count, weight, epsilon, out, x.count) }
    }
  }
}
