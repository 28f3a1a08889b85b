public import Diffusion
internal import Synchronization

/// Passes everything on to another denoiser and remembers what it was asked.
public final class Spy: Denoiser {
  private let base: any Denoiser
  private let log = Mutex<(batches: [[Query]], survivals: [[Survival]], forgotten: [Int])>(([], [], []))

  /// Listens in on a denoiser.
  public init(_ base: any Denoiser) { self.base = base }

  /// Every batch so far.
  public var batches: [[Query]] { log.withLock { $0.batches } }
  /// Every `settle` so far.
  public var survivals: [[Survival]] { log.withLock { $0.survivals } }

  /// Every session that has ended, in order.
  public var forgotten: [Int] { log.withLock { $0.forgotten } }

  /// The base's.
  public var vocabulary: Vocabulary { base.vocabulary }
  /// The base's.
  public var abilities: Abilities { base.abilities }
  /// The base's.
  public var maxLength: Int { base.maxLength }

  /// Notes the batch and passes it on.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    log.withLock { $0.batches.append(queries) }
    return try base.believe(queries)
  }

  /// Notes what survived and passes it on.
  public func settle(_ survivals: [Survival]) {
    log.withLock { $0.survivals.append(survivals) }
    base.settle(survivals)
  }

  /// Notes that the session ended and passes it on.
  public func forget(session: Int) {
    log.withLock { $0.forgotten.append(session) }
    base.forget(session: session)
  }
}
