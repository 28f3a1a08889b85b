/// A decoding strategy: given what the model believes, what changes on the canvas?
///
/// A strategy is a value. The decoder copies it per sequence, wrappers copy it per branch, and nothing is ever reset: memory lives in
/// stored properties, per-position memory in `PerSlot`.
public protocol Strategy: Sendable {
  /// The name it goes by in experiments and traces.
  static var name: String { get }
  /// One line: the idea.
  static var summary: String { get }
  /// Where the rule comes from.
  static var source: String { get }
  /// What it does to a step, which decides what it composes with.
  static var role: Role { get }
  /// Whether it may insert or delete positions, which a wrapper that compares canvases cannot follow.
  static var editsLengths: Bool { get }
  /// Reads its settings; reading a key declares its name, default and range.
  init(_ parameters: inout Parameters) throws(ConfigurationError)
  /// What it wants to know after the next model call.
  var needs: Needs { get }
  /// What the model should look at next.
  mutating func views(of canvas: Canvas) -> [View]
  /// What changes, given what the model believes.
  mutating func decide(_ step: inout Step)
}

/// What a strategy does to a step.
public enum Role: String, Sendable, CaseIterable {
  /// Changes the belief and reveals nothing (credit).
  case transform
  /// Reveals positions (thresholds, quotas).
  case selector
  /// Reveals, and revokes (Saber).
  case reviser
  /// Tests whether to fill everything at once (Prophet, SchED).
  case earlyStop = "early stop"
  /// Drives another strategy, its `base`; stands alone in its list (FreeDave, HEX).
  case wrapper
}

extension Strategy {
  /// No description.
  public static var summary: String { "" }
  /// No source.
  public static var source: String { "" }
  /// Selectors are the rule.
  public static var role: Role { .selector }
  /// Most rules keep the length.
  public static var editsLengths: Bool { false }
  /// Whether it drives another strategy.
  public static var isWrapper: Bool { role == .wrapper }
  /// The rows it may decide.
  public var needs: Needs { Needs() }
  /// The canvas as it is.
  public mutating func views(of canvas: Canvas) -> [View] { [View(canvas)] }
}
