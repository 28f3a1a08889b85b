package import Diffusion
internal import Models

/// One way in which a model can be evaluated.
package struct DoctorVariant: Sendable {
  /// What its answers have to be.
  package enum Answers: Sendable {
    /// Bit for bit those of the first variant.
    case same
    /// Its own: an approximation, held against itself alone.
    case own
  }

  /// What reports call it.
  package let name: String
  /// What its answers have to be.
  package let answers: Answers
  /// Whether it holds something back from one round to the next, so that only decodes show it.
  package let isStateful: Bool
  /// Other ways whose answers have to be bit for bit this one's.
  package let twins: [DoctorVariant]
  /// Makes the denoiser.
  package let make: @Sendable () throws(ConfigurationError) -> any Denoiser

  /// A way to evaluate a model.
  package init(
    _ name: String, answers: Answers = .same, isStateful: Bool = false, twins: [DoctorVariant] = [],
    make: @escaping @Sendable () throws(ConfigurationError) -> any Denoiser
  ) {
    (self.name, self.answers, self.isStateful, self.twins, self.make) = (name, answers, isStateful, twins, make)
  }
}

extension DoctorVariant {
  /// The ways in which the native engine evaluates a model, beside that of one thread and no cache, which all of them are held against.
  ///
  /// - Parameter denoiser: the model on one thread.
  static func native(_ denoiser: TransformerDenoiser, _ directory: String, _ options: ModelOptions, parameters: Int, cores: Int) -> [DoctorVariant] {
    let isSmall = parameters <= DoctorSubject.smallModel
    var variants = threadCounts(cores).map { threaded("\($0) threads", $0, directory, options) }
    // Small integers are held in one way alone. Packed, a large model is a copy of all of it.
    if isSmall, options.precision != .int8 {
      for (name, holding) in [("weights packed", Linear.Holding.packed), ("weights as they are stored", .stored)] {
        variants.append(
          DoctorVariant(name) { () throws(ConfigurationError) in
            try ModelLibrary.attempt { () throws(ModelError) in
              TransformerDenoiser(try Transformer(directory: directory, threads: 1, holding: holding, options: options))
            }
          })
      }
      var bytes = options
      bytes.precision = .int8
      let twins = [1, 3].map { threaded("precision int8, \($0) thread\($0 == 1 ? "" : "s")", $0, directory, bytes) }
      variants.append(threaded("precision int8", 2, directory, bytes, answers: .own, twins: twins))
    }
    return variants + caches(denoiser, isSmall ? directory : nil, options)
  }

  private static func threaded(
    _ name: String, _ threads: Int, _ directory: String, _ options: ModelOptions, answers: Answers = .same, twins: [DoctorVariant] = []
  ) -> DoctorVariant {
    DoctorVariant(name, answers: answers, twins: twins) { () throws(ConfigurationError) in
      try ModelLibrary.attempt { () throws(ModelError) in try TransformerDenoiser(directory: directory, threads: threads, options: options) }
    }
  }

  /// Every cache policy as it is by itself, over a model of two threads; a large model is not read once more for each.
  private static func caches(_ denoiser: TransformerDenoiser, _ directory: String?, _ options: ModelOptions) -> [DoctorVariant] {
    CacheCatalog.standard.entries.map { policy in
      DoctorVariant("cache " + policy.name, answers: .own, isStateful: true) { () throws(ConfigurationError) in
        var model = denoiser
        if let directory {
          model = try ModelLibrary.attempt { () throws(ModelError) in try TransformerDenoiser(directory: directory, threads: 2, options: options) }
        }
        return try CacheCatalog.standard.build(Setting(.text(policy.name))).map { CachedDenoiser(model, $0) } ?? model
      }
    }
  }

  /// 2, 3, and then twice as many up to the number of cores: more threads than cores are tried too.
  static func threadCounts(_ cores: Int) -> [Int] {
    var counts = [2, 3]
    while let last = counts.last, last * 2 <= cores { counts.append(last == 3 ? 4 : last * 2) }
    if cores > 3, counts.last != cores { counts.append(cores) }
    return counts
  }
}
