internal import Foundation

/// Changes to a model that need no other weights.
public struct ModelOptions: Sendable, Hashable {
  /// Layers to leave out, counted from 0; never the first or the last (arXiv 2603.07475).
  public var skippedLayers: [Int] = []
  /// Rotary positions stretched for longer texts, as LongLLaDA does (arXiv 2506.14429).
  public var rope: Rope?
  /// What the linear layers and the head compute with.
  public var precision: Precision = .float32

  /// Numbers that matrices are multiplied in.
  public enum Precision: String, Sendable, Hashable, CaseIterable {
    /// Float32, weights as they are stored.
    case float32
    /// Signed bytes, for weights and rows alike, with float32 scales by groups of at most 128; sums are exact within a group.
    case int8
  }

  /// How much the base of the rotary angles grows.
  public enum Rope: Sendable, Hashable {
    /// By this factor.
    case scale(Double)
    /// By the whole factor with which `length` positions turn the slow pairs no further than `trained` positions did.
    case length(Int, trained: Int)
  }

  /// The model as it is.
  public static let none = ModelOptions()

  /// The model as it is.
  public init() {}

  /// The factor for `length` positions: with `d` rotated elements, of which `e = 2 round(d / 2 log_base(trained / 2π))` have turned once in training,
  /// it is `(length / 2π)^(d / e) / base`, rounded up.
  package static func factor(base: Double, rotaryWidth: Int, trained: Int, length: Int) -> Double {
    let half = Double(rotaryWidth) / 2
    let turned = (half * log(Double(trained) / (2 * .pi)) / log(base)).rounded()
    return pow(Double(length) / (2 * .pi), half / max(turned, 1)) / base
  }

  /// The shape of a model with these changes.
  func applied(to shape: ModelConfiguration) throws(ModelError) -> ModelConfiguration {
    var shape = shape
    if let last = skippedLayers.max(), let first = skippedLayers.min() {
      guard first > 0, last < shape.layers - 1 else {
        throw .option(key: "skip_layers", value: "\(first > 0 ? last : first)", expected: "layers from 1 to \(shape.layers - 2): the first and the last stay")
      }
      shape.skippedLayers = Set(skippedLayers)
    }
    guard let rope else { return shape }
    switch rope {
    case .scale(let factor): shape.rotaryBase *= factor
    case .length(let length, let trained):
      guard shape.rotaryBase > 1, Double(trained) > 2 * .pi else {
        throw .option(key: "rope_length", value: "\(length)", expected: "a model whose rotary base is above 1, trained on at least 7 positions")
      }
      let factor = Self.factor(base: shape.rotaryBase, rotaryWidth: shape.rotaryWidth, trained: trained, length: length)
      shape.rotaryBase *= max(1, factor.rounded(.up))
      shape.maxLength = max(shape.maxLength, length)
    }
    guard shape.rotaryBase <= 1e15 else { throw .option(key: "rope_scale", value: "\(shape.rotaryBase)", expected: "a rotary base of at most 1e15") }
    return shape
  }
}
