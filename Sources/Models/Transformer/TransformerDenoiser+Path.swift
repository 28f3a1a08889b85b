extension TransformerDenoiser {
  /// The kernels that run here: "avx512+amx", "avx512+vnni", "avx512", "avx2" or "portable". No bit of a result depends on it.
  public static var kernelPath: String { Kernels.path }
}
