package import Diffusion
internal import Models

/// The model that is examined, and what it is examined with.
package struct DoctorSubject: Sendable {
  /// Weights up to which everything is tried; a larger model is tried on less.
  static let smallModel = 100_000_000

  /// The model as it is used: on one thread where it is native.
  let denoiser: any Denoiser
  /// Other ways to evaluate it.
  let variants: [DoctorVariant]
  /// Its tokenizer, where it has one.
  let tokenizer: Tokenizer?
  /// What the report says of it.
  let facts: [DoctorReport.Fact]
  /// Whether the native engine evaluates it, so that kernel paths matter.
  let isNative: Bool
  /// Whether it is quick enough for everything to be tried.
  let isSmall: Bool
  /// Where its files are; nil for one without.
  let directory: String?
  /// What is changed of the stored model.
  let options: ModelOptions
  /// Whether it is the shipped model, for which there are goldens.
  let isShipped: Bool

  /// A model by name or directory, which may end in options.
  package init(_ name: String, cores: Int) throws(ConfigurationError) {
    let reference = try ModelLibrary.attempt { () throws(ModelError) in try ModelReference(name) }
    let model = try ModelLibrary.load(name)
    let count = model.configuration.parameterCount
    (directory, tokenizer) = (model.directory, model.tokenizer)
    options = reference.options
    isNative = reference.worker == nil
    isSmall = count <= Self.smallModel && isNative
    isShipped = try ModelLibrary.names().contains(reference.place) && reference.options == .none && isNative
    if isNative {
      let (directory, options) = (model.directory, reference.options)
      let native = try ModelLibrary.attempt { () throws(ModelError) in try TransformerDenoiser(directory: directory, threads: 1, options: options) }
      (denoiser, variants) = (native, DoctorVariant.native(native, directory, options, parameters: count, cores: cores))
    } else {
      (denoiser, variants) = (model.denoiser, [])
    }
    facts = [
      DoctorReport.Fact("name", name), DoctorReport.Fact("digest", model.digest), DoctorReport.Fact("directory", model.directory),
      DoctorReport.Fact("family", model.family), DoctorReport.Fact("parameters", "\(count)"),
    ]
  }

  /// A denoiser by itself.
  package init(_ denoiser: any Denoiser, variants: [DoctorVariant] = []) {
    self.denoiser = denoiser
    self.variants = variants
    (tokenizer, facts, isNative, isSmall, directory, options, isShipped) = (nil, [], false, true, nil, .none, false)
  }

  /// Sequences of lengths at, below and above the widths that kernels work in, half of them masked.
  var sequences: [[Token]] {
    let lengths = (isSmall ? [1, 2, 7, 16, 33, 65] : [1, 9, 33]).map { min($0, denoiser.maxLength) }
    let vocabulary = denoiser.vocabulary
    return lengths.enumerated().map { index, length in
      let random = SeededRandom(seed: 0)["doctor"][index]
      return (0..<length).map { $0 % 2 == 1 ? vocabulary.mask : Token(random[$0].integer(below: vocabulary.size)) }
    }
  }

  /// Canvases with prompts of different lengths: problems where the model reads text, else random tokens.
  func canvases() throws(ConfigurationError) -> [(name: String, canvas: Canvas)] {
    guard isShipped, let tokenizer else { return try randomCanvases() }
    return try ["lists/dev/0", "lists/dev/3", "lists/dev/5", "countdown/dev/2"].map { (id) throws(ConfigurationError) in
      let problem = try BenchmarkCatalog.standard.problem(id, key: "doctor").problem
      return (id, try problem.canvas(Self.geometry, tokenizer: tokenizer, vocabulary: denoiser.vocabulary))
    }
  }

  private func randomCanvases() throws(ConfigurationError) -> [(name: String, canvas: Canvas)] {
    let vocabulary = denoiser.vocabulary
    return try [5, 12, 20].enumerated().map { (index, length) throws(ConfigurationError) in
      let random = SeededRandom(seed: 0)["doctor"]["canvas"][index]
      let prompt = (0..<length).map { Token(random[$0].integer(below: vocabulary.size)) }.map { $0 == vocabulary.mask ? vocabulary.end : $0 }
      let canvas = try Canvas(prompt: prompt, length: Self.geometry.genLength, blockLength: Self.geometry.blockLength, vocabulary: vocabulary)
      return ("random/\(index)", canvas)
    }
  }

  /// How canvases are laid out.
  static let geometry = Geometry(genLength: 16, blockLength: 8)
}
