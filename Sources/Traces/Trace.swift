public import Diffusion

/// A trace: the decoding of many samples, as the tables of one file.
public struct Trace: Sendable {
  /// What the whole file says of itself.
  public var attributes: Attributes
  /// The groups, in the order of `TraceSchema.groups`.
  package var tables: [Table]
  /// Candidates per row of `/beliefs`, its attribute `k`; 0 without beliefs.
  public package(set) var candidates = 0
  /// The file it was read from, for messages; nil for one made in memory.
  package var path: String?
  /// Whether the bytes are those that a writer of this program left.
  public package(set) var seal = Seal.none

  /// How a file's checksum stands.
  public enum Seal: Sendable, Hashable {
    /// There is none: the trace was made in memory, or another program wrote the file.
    case none
    /// It holds.
    case whole
    /// It does not hold: bytes changed since the file was written.
    case broken
  }

  /// Whether all samples of a run are there.
  public enum Status: String, Sendable, Hashable {
    /// Some may still be missing: the run was not at its end.
    case started
    /// All are there.
    case complete
  }

  /// Whether the seconds of a trace are a speed.
  public enum Timing: String, Sendable, Hashable {
    /// Every sample was decoded with nothing else in flight.
    case exclusive
    /// Some samples shared the machine with others.
    case shared
  }

  /// The attributes of the file.
  public struct Attributes: Sendable, Hashable {
    /// The resolved configuration of the run, as JSON.
    public var config: String
    /// The digest of the run.
    public var runDigest: String
    /// The digest of the model.
    public var modelDigest: String
    /// When the file was made, ISO 8601 in UTC.
    public var created: String
    /// Whether all samples are there.
    public var status: Status
    /// `none`, `edits` or `beliefs`.
    public var level: String
    /// Size and special ids of the tokens' vocabulary; nil if another program did not say.
    public var vocabulary: Vocabulary?
    /// Whether the seconds are a speed; nil if another program did not say. It depends on the clock, so equal traces may differ in it.
    public var timing: Timing?

    /// Attributes of a trace; see `now` for `created`.
    public init(
      config: String, runDigest: String, modelDigest: String, created: String = Attributes.now, status: Status = .complete, level: TraceLevel = .edits,
      vocabulary: Vocabulary? = nil, timing: Timing? = nil
    ) {
      self.config = config
      self.runDigest = runDigest
      self.modelDigest = modelDigest
      self.created = created
      self.status = status
      self.level = level.name
      self.vocabulary = vocabulary
      self.timing = timing
    }
  }

  /// A group by name.
  public subscript(table: String) -> Table? { tables.first { $0.name == table } }

  /// Number of samples.
  public var sampleCount: Int { self["samples"]?["problem"]?.count ?? 0 }

  init(attributes: Attributes, tables: [Table], candidates: Int) {
    self.attributes = attributes
    self.tables = tables
    self.candidates = candidates
  }
}
