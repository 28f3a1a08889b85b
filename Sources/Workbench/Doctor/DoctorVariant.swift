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
  /// Makes the denoiser.
  package let make: @Sendable () throws(ConfigurationError) -> any Denoiser

  /// A way to evaluate a model.
  package init(_ name: String, answers: Answers = .same, make: @escaping @Sendable () throws(ConfigurationError) -> any Denoiser) {
    (self.name, self.answers, self.make) = (name, answers, make)
  }
}

extension DoctorVariant {
  /// The ways in which the native engine evaluates a model, beside that of one thread and no cache, which all of them are held against.
  ///
  /// A cache policy joins with one line: `.own`, or `.same` where it is refreshed in every round.
  static func native(_ directory: String, _ options: ModelOptions, parameters: Int, cores: Int) -> [DoctorVariant] {
    var variants = threadCounts(cores).map { threads in
      DoctorVariant("\(threads) threads") { () throws(ConfigurationError) in
        try ModelLibrary.attempt { () throws(ModelError) in try TransformerDenoiser(directory: directory, threads: threads, options: options) }
      }
    }
    // Packed, a large model is a copy of all of it.
    if parameters <= DoctorSubject.smallModel {
      for (name, holding) in [("weights packed", Linear.Holding.packed), ("weights as they are stored", .stored)] {
        variants.append(
          DoctorVariant(name) { () throws(ConfigurationError) in
            try ModelLibrary.attempt { () throws(ModelError) in
              TransformerDenoiser(try Transformer(directory: directory, threads: 1, holding: holding, options: options))
            }
          })
      }
    }
    return variants
  }

  /// 2, 3, and then twice as many up to the number of cores: more threads than cores are tried too.
  static func threadCounts(_ cores: Int) -> [Int] {
    var counts = [2, 3]
    while let last = counts.last, last * 2 <= cores { counts.append(last == 3 ? 4 : last * 2) }
    if cores > 3, counts.last != cores { counts.append(cores) }
    return counts
  }
}
