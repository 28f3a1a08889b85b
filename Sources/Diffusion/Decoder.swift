/// Runs sessions to completion: the only place that calls the model.
public struct Decoder: Sendable {
  private let denoiser: any Denoiser

  /// A decoder over a model.
  public init(_ denoiser: any Denoiser) { self.denoiser = denoiser }

  /// How a session ended.
  public enum Outcome: Sendable {
    /// The canvas is complete.
    case finished(Session)
    /// It was given up; the others went on.
    case failed(Session, DecodingError)
  }

  /// Decodes sessions side by side, every unfinished one's views in each batch.
  ///
  /// - Parameters:
  ///   - sessions: any number, of any lengths; identities must differ.
  ///   - record: told of every round as it ends.
  ///   - shouldContinue: asked before every model call; false abandons what is unfinished.
  /// - Returns: outcomes in the order of `sessions`; nil for the abandoned.
  public func decode(
    _ sessions: [Session], record: (Session, Round) -> Void = { _, _ in }, while shouldContinue: () -> Bool = { true }
  ) -> [Outcome?] {
    var sessions = sessions
    var outcomes = [Outcome?](repeating: nil, count: sessions.count)
    for index in sessions.indices {
      if let error = refusal(of: sessions[index]) { outcomes[index] = .failed(sessions[index], error) }
      if sessions[index].isFinished { outcomes[index] = .finished(sessions[index]) }
    }
    while shouldContinue() {
      let live = sessions.indices.filter { outcomes[$0] == nil }
      if live.isEmpty { break }
      for (index, result) in round(&sessions, live) {
        switch result {
        case .success(let round):
          record(sessions[index], round)
          if sessions[index].isFinished { outcomes[index] = .finished(sessions[index]) }
        case .failure(let error): outcomes[index] = .failed(sessions[index], error)
        }
        if outcomes[index] != nil { denoiser.forget(session: sessions[index].id) }
      }
    }
    for index in sessions.indices where outcomes[index] == nil { denoiser.forget(session: sessions[index].id) }
    return outcomes
  }

  /// views -> believe -> decide -> apply, for every live session in one batch.
  private func round(_ sessions: inout [Session], _ live: [Int]) -> [(Int, Result<Round, DecodingError>)] {
    var results: [(Int, Result<Round, DecodingError>)] = []
    var shares: [(index: Int, queries: [Query])] = []
    for index in live {
      do throws(DecodingError) {
        let queries = try sessions[index].queries()
        for query in queries {
          do { try denoiser.check(query) } catch { throw DecodingError.denoiser(error) }
        }
        shares.append((index, queries))
      } catch { results.append((index, .failure(error))) }
    }
    return results + answer(&sessions, shares)
  }

  /// believe -> decide -> apply, for views already given: a strategy is asked for its views once a round, also where a batch is tried again.
  private func answer(_ sessions: inout [Session], _ shares: [(index: Int, queries: [Query])]) -> [(Int, Result<Round, DecodingError>)] {
    var results: [(Int, Result<Round, DecodingError>)] = []
    let batch = shares.flatMap(\.queries)
    guard !batch.isEmpty else { return results }
    let clock = ContinuousClock()
    let started = clock.now
    let responses: [Response]
    do throws(DenoiserError) { responses = try denoiser.believe(batch) } catch {
      // One bad sequence must not take the others of its batch with it: each is tried alone.
      guard shares.count > 1 else { return shares.map { ($0.index, .failure(.denoiser(error))) } }
      for share in shares { results += answer(&sessions, [share]) }
      return results
    }
    let forward = clock.now - started - .seconds(responses.reduce(0) { $0 + $1.aside })
    let total = max(responses.reduce(0) { $0 + $1.cost.positions }, 1)
    var first = 0
    for (index, queries) in shares {
      let range = first..<first + queries.count
      first = range.upperBound
      let decided = clock.now
      do throws(DecodingError) {
        guard responses.count == batch.count else { throw .incomplete(expected: batch.count, got: responses.count) }
        var round = try sessions[index].absorb(Array(responses[range]))
        round.forwardSeconds = forward / .seconds(1) * Double(round.cost.positions) / Double(total)
        round.decideSeconds = (clock.now - decided) / .seconds(1)
        denoiser.settle(round.survivals)
        results.append((index, .success(round)))
      } catch { results.append((index, .failure(error))) }
    }
    return results
  }

  /// Why the denoiser cannot serve a session, or nil.
  private func refusal(of session: Session) -> DecodingError? {
    let length = session.canvas.prompt.count + session.canvas.response.count
    let (own, model) = (session.canvas.vocabulary, denoiser.vocabulary)
    if own != model {
      return .denoiser(.unsupported("the canvas was made for another vocabulary (\(own.words)) than the model's (\(model.words))"))
    }
    if length > denoiser.maxLength { return .denoiser(.tooLong(length: length, limit: denoiser.maxLength)) }
    return nil
  }
}

extension Denoiser {
  /// Refuses needs that this denoiser cannot meet, before anything runs.
  public func check(_ needs: Needs) throws(ConfigurationError) {
    if needs.hidden, !abilities.contains(.hiddenStates) { throw .unsupported("the strategy reads hidden states, which this model does not give") }
    if needs.fullRows, !abilities.contains(.fullRows) {
      throw .unsupported("the strategy (or temperature) reads whole rows of logits, which this model does not give")
    }
    if !needs.stale, !abilities.contains(.freshRows) { throw .unsupported("the strategy needs fresh rows in every round, which this cache does not give") }
  }

  /// Refuses a query that this denoiser cannot meet: what a rule shows and needs may change from round to round.
  func check(_ query: Query) throws(DenoiserError) {
    let asksForRows = query.positionIDs != nil || query.visibility != nil
    if asksForRows, !abilities.contains(.extraRows) { throw .unsupported("the strategy shows extra rows, which this model does not take") }
    if !query.soft.isEmpty, !abilities.contains(.softInputs) { throw .unsupported("the strategy shows soft inputs, which this model does not take") }
    if query.reading.hidden, !abilities.contains(.hiddenStates) {
      throw .unsupported("the strategy reads hidden states, which this model does not give")
    }
    if query.reading.fullRows, !abilities.contains(.fullRows) {
      throw .unsupported("the strategy (or temperature) reads whole rows of logits, which this model does not give")
    }
  }
}
