/// The shape of a trace file: which groups, which columns, of which types. Writer, reader, validator and format page all read this list.
///
/// Types: float64 wherever a rule compares (confidence, margin, entropy, log-sum-exp), because rules compare in float64 and equal traces are equal bit for bit;
/// float32 for logits, because that is what the model gives. int64 for offsets, row numbers and summed costs; int32 for tokens, positions and counts of one
/// round; one byte for kinds and flags.
public enum TraceSchema {
  /// The value of the attribute `schema`.
  public static let name = "unmask-trace"
  /// The value of the attribute `schema_version`: raised when a column changes its meaning, not when one is added.
  public static let version = 1

  /// How many values a column holds.
  public enum Extent: Sendable, Hashable {
    /// One per row.
    case rows
    /// One per sample and one more: where each sample's items begin, and where the last one's end.
    case offsets
    /// All samples' items, end to end.
    case items
    /// `k` per row.
    case candidates
  }

  /// A column's name, type and length.
  public struct Field: Sendable, Hashable {
    /// The dataset's name.
    public let name: String
    /// Its type.
    public let type: ColumnType
    /// Its length.
    public let extent: Extent
    /// Whether the value depends on the machine's speed and is left out when traces are compared.
    public let isTime: Bool
    /// Whether a file may lack it: it came later, or another program did not write it.
    public let isOptional: Bool

    init(_ name: String, _ type: ColumnType, _ extent: Extent = .rows, isTime: Bool = false, isOptional: Bool = false) {
      self.name = name
      self.type = type
      self.extent = extent
      self.isTime = isTime
      self.isOptional = isOptional
    }
  }

  /// A group's name and columns.
  public struct Group: Sendable, Hashable {
    /// The group's name.
    public let name: String
    /// Its columns, in order.
    public let fields: [Field]
  }

  /// The groups of every trace, in order. `beliefs` is there only at that level and above.
  public static let groups: [Group] = [
    Group(
      name: "samples",
      fields: [
        Field("problem", .string), Field("seed", .int64), Field("block_length", .int32), Field("correct", .int8), Field("answer_tokens", .int32),
        Field("rounds", .int32), Field("canvases", .int64), Field("positions", .int64), Field("logit_rows", .int64), Field("seconds", .float64, isTime: true),
        Field("first_round", .int64), Field("complete", .int8, isOptional: true),
      ]),
    Group(name: "prompts", fields: [Field("tokens", .int32, .items), Field("offsets", .int64, .offsets)]),
    Group(name: "initial", fields: [Field("tokens", .int32, .items), Field("pinned", .uint8, .items), Field("offsets", .int64, .offsets)]),
    Group(name: "responses", fields: [Field("tokens", .int32, .items), Field("offsets", .int64, .offsets)]),
    Group(
      name: "rounds",
      fields: [
        Field("sample", .int32), Field("index", .int32), Field("kind", .uint8), Field("canvases", .int32), Field("positions", .int64),
        Field("logit_rows", .int64), Field("window_start", .int32), Field("window_end", .int32), Field("masked", .int32),
        Field("forward_seconds", .float64, isTime: true), Field("decide_seconds", .float64, isTime: true), Field("final", .uint8),
        Field("fidelity_kl", .float64, isOptional: true), Field("fidelity_top1", .float64, isOptional: true),
        Field("fidelity_decisions", .float64, isOptional: true),
      ]),
    Group(
      name: "edits",
      fields: [
        Field("round", .int64), Field("branch", .int32), Field("kind", .uint8), Field("position", .int32), Field("token", .int32),
        Field("confidence", .float64), Field("margin", .float64), Field("entropy", .float64), Field("author", .int32),
      ]),
    Group(name: "authors", fields: [Field("name", .string)]),
    Group(
      name: beliefs,
      fields: [
        Field("round", .int64), Field("position", .int32), Field("log_sum_exp", .float64), Field("entropy", .float64),
        Field("top_tokens", .int32, .candidates), Field("top_logits", .float32, .candidates), Field("mass", .float64, isOptional: true),
        Field("moment", .float64, isOptional: true),
      ]),
  ]

  /// The one group that only the levels `beliefs` and `fidelity` have.
  public static let beliefs = "beliefs"
}
