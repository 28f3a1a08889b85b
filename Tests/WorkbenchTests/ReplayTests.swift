import Diffusion
import Foundation
import Support
import Testing
import Traces

@testable import Commands
@testable import Workbench

/// What viewers are told of a trace is what happened in the decode.
@Suite struct ReplayTests {
  @Test func framesAreTheCanvasesOfTheDecode() throws {
    for decode in try ReplayFixture.decodes() {
      let playback = try Playback(decode.sample, vocabulary: ReplayFixture.toy.vocabulary)
      #expect(playback.roundCount == decode.rounds.count)
      let canvases = [decode.rounds.first?.shown].compactMap(\.self) + decode.rounds.map(\.canvas)
      for (frame, canvas) in zip(playback.frames, canvases) {
        #expect(frame.cells.map(\.token) == canvas.recorded)
        #expect(frame.blockEnds == canvas.blockEnds)
        #expect(frame.cells.map { $0.state == .pinned } == canvas.pinned)
        #expect(frame.answerTokens == revealedTokens(canvas))
      }
      for (number, round) in decode.rounds.enumerated() {
        let frame = playback.frames[number + 1]
        #expect(frame.window == round.shown.window.clamped(to: 0..<round.canvas.response.count))
        // A slot is one position's identity: it stays with its cell whatever is inserted or deleted before it.
        let before = Dictionary(uniqueKeysWithValues: zip(round.shown.slots, playback.frames[number].cells.map(\.slot)))
        for (slot, cell) in zip(round.canvas.slots, frame.cells) where before[slot] != nil { #expect(before[slot] == cell.slot) }
        #expect(Set(frame.cells.map(\.slot)).count == frame.cells.count)
        let changes = round.changes
        #expect(Set(changes.commits.map(\.position)).isSubset(of: frame.cells.indices.filter { frame.cells[$0].state == .justRevealed }))
      }
    }
  }

  /// Revealed tokens before the first end token, without pinned ones: the count of a cost report, on a canvas at work.
  private func revealedTokens(_ canvas: Canvas) -> Int {
    var count = 0
    for (token, pinned) in zip(canvas.response, canvas.pinned) {
      if token == canvas.vocabulary.end { break }
      if token != canvas.vocabulary.mask, !pinned { count += 1 }
    }
    return count
  }

  @Test func theLastFrameIsTheResponseAndItsCost() throws {
    for decode in try ReplayFixture.decodes() {
      let playback = try Playback(decode.sample, vocabulary: ReplayFixture.toy.vocabulary)
      let last = try #require(playback.frames.last)
      #expect(last.cells.map(\.token) == decode.sample.response)
      #expect(last.answerTokens == decode.sample.answerTokens)
    }
  }

  @Test func decisionsExplainEveryCell() throws {
    for decode in try ReplayFixture.decodes() {
      let playback = try Playback(decode.sample, vocabulary: ReplayFixture.toy.vocabulary)
      for (number, frame) in playback.frames.enumerated() {
        for (position, cell) in frame.cells.enumerated() {
          guard let decision = playback.decision(position, in: number) else {
            // Untouched: as it was at the start.
            #expect(playback.frames[0].cells.contains { $0.slot == cell.slot && $0.token == cell.token })
            continue
          }
          #expect(decision.frame <= number && decision.edit.branch == Edit.main)
          #expect((cell.state == .justRevealed || cell.state == .remasked) == (decision.frame == number && decision.edit.kind != .insertMask))
          #expect(decision.edit.token == cell.token)
        }
        let authored = playback.authors(in: number).reduce(0) { $0 + $1.count }
        #expect(authored == playback.sample.edits.count { $0.round + 1 == number && $0.edit.branch == Edit.main })
      }
      for (position, order) in playback.commitOrder.enumerated() {
        let slot = playback.frames[playback.roundCount].cells[position].slot
        let states = playback.frames.map { $0.cells.first { $0.slot == slot }?.token }
        // From the round on it is as it ends, and that round made it so.
        #expect(Set(states[order...]).count == 1)
        if order > 0, states[order - 1] != nil { #expect(playback.frames[order].cells.contains { $0.slot == slot && $0.state == .justRevealed }) }
      }
    }
  }

  @Test func guessesAreTheModelsBeliefs() throws {
    var seen = 0
    for decode in try ReplayFixture.decodes() {
      let vocabulary = ReplayFixture.toy.vocabulary
      let playback = try Playback(decode.sample, vocabulary: vocabulary)
      for (number, round) in decode.rounds.enumerated() {
        let guesses = Dictionary(uniqueKeysWithValues: playback.guesses(in: number + 1).map { ($0.position, $0.guess) })
        let reach = round.shown.masked.filter { $0 < round.shown.window.upperBound }
        for position in reach {
          let slot = playback.frames[number].cells[position].slot
          guard let place = playback.frames[number + 1].cells.firstIndex(where: { $0.slot == slot }) else { continue }
          let guess = try #require(guesses[place])
          let row = round.belief.raw[position]
          #expect(guess.candidates.first?.token == row.best?.token)
          #expect(abs((guess.candidates.first?.probability ?? -1) - (row.best?.probability ?? -2)) < 1e-9)
          #expect(!guess.candidates.contains { $0.token == vocabulary.mask })
          #expect(guess.entropy == row.entropy)
          // Under the cursor stands the same guess.
          #expect(playback.guess(place, in: number + 1)?.candidates.map(\.token) == guess.candidates.map(\.token))
          seen += 1
        }
        #expect(guesses.count <= reach.count)
      }
    }
    #expect(seen > 100)
  }

  @Test func aCellKeepsTheGuessThatDecidedIt() throws {
    let decode = try ReplayFixture.decode(.toy(16, blocks: 8, seed: 3), [Threshold(0.4)])
    let playback = try Playback(decode.sample, vocabulary: ReplayFixture.toy.vocabulary)
    for position in playback.frames[0].cells.indices {
      let guess = try #require(playback.guess(position, in: playback.roundCount))
      #expect(guess.frame == playback.commitOrder[position])
      #expect(guess.candidates.first?.token == decode.sample.response[position])
    }
  }

  @Test func theFirstDifferenceIsTheFirst() throws {
    let sources = try ReplayFixture.pair()
    for problem in ["one", "two"] {
      let (a, b) = (try sources[0].playback(of: problem), try sources[1].playback(of: problem))
      #expect(ReplayDifference(a, a) == nil)
      let found = try #require(ReplayDifference(a, b))
      #expect(found == ReplayDifference(b, a))
      let tokens = { (playback: Playback, frame: Int) in playback.frames[min(frame, playback.roundCount)].cells.map(\.token) }
      for frame in 0..<found.frame { #expect(tokens(a, frame) == tokens(b, frame)) }
      let (left, right) = (tokens(a, found.frame), tokens(b, found.frame))
      #expect(left[..<found.position] == right[..<found.position] && left[found.position] != right[found.position])
      #expect(ReplayDifference.positions(a, b, frame: found.frame).first == found.position)
    }
  }

  /// An edit of another branch in the first round.
  private static var attempt: RecordedEdit {
    var edit = Edit(.reveal, at: 3, token: 5)
    (edit.branch, edit.author) = (0, "draft")
    return RecordedEdit(round: 0, edit: edit)
  }

  @Test func attemptsOfARoundAreBounded() throws {
    var sample = try ReplayFixture.decode(.toy(16, seed: 1), [OneByOne()]).sample
    sample.edits = Array(repeating: Self.attempt, count: ReplayFrames.mostAttempts) + sample.edits
    let all = ReplayFrames(try ReplayFixture.sides([ReplayFixture.source([sample])])).text(1, isDetailed: true)
    sample.edits = Array(repeating: Self.attempt, count: 50) + sample.edits
    let some = ReplayFrames(try ReplayFixture.sides([ReplayFixture.source([sample])])).text(1, isDetailed: true)
    #expect(some.contains("one-by-one") && some.matches(of: /tried on 0/).count == ReplayFrames.mostAttempts)
    #expect(some == all + "and 50 more that were tried\n")
  }

  @Test func whatCannotBePlayedIsRefused() throws {
    var decode = try ReplayFixture.decode(.toy(16, seed: 1), [OneByOne()])
    let vocabulary = ReplayFixture.toy.vocabulary
    let none = try ReplayFixture.decode(.toy(16, seed: 1), [OneByOne()], level: .none).sample
    #expect(mistakes { try Playback(none, vocabulary: vocabulary) }.contains("they were not recorded"))
    var sample = decode.sample
    sample.edits[3] = sample.edits[2]
    #expect(mistakes { try Playback(sample, vocabulary: vocabulary) }.contains("damaged at round 3, position"))
    // A hostile count of positions is refused before anything is made of it.
    sample = decode.sample
    sample.initial = Array(repeating: -1, count: Playback.largest / 16)
    #expect(mistakes { try Playback(sample, vocabulary: vocabulary) }.contains("is more than the limit of 2000000 positions times rounds"))
    // Nor are edits of other branches, of which a small file may hold millions.
    sample = decode.sample
    sample.edits = Array(repeating: Self.attempt, count: Playback.largest) + sample.edits
    #expect(mistakes { try Playback(sample, vocabulary: vocabulary) }.contains("\(sample.edits.count) edits is more than the limit of 2000000"))
    decode = try ReplayFixture.decode(.toy(16, seed: 1), [OneByOne()], problem: "lists/test/17")
    let source = try ReplayFixture.source([decode.sample])
    let message = mistakes { try source.playback(of: "lists/test/71") }
    #expect(message == "trace.h5: there is no sample named `lists/test/71`; did you mean `lists/test/17`?; known: lists/test/17")
  }

  @Test func strategiesAreNamedAsTheyWereSet() throws {
    let sample = try ReplayFixture.decode(.toy(16, seed: 1), [OneByOne()]).sample
    #expect(try ReplayFixture.source([sample]).strategy == "threshold: {confidence: 0.4}")
    var trace = try ReplayFixture.trace([sample])
    // Another program's configuration: the authors tell.
    for config in ["", "[1", #"{"strategy":"x"}"#, String(repeating: "[", count: 70_000)] {
      trace.attributes.config = config
      #expect(try ReplaySource(trace, file: "trace.h5", tokenizer: nil).strategy == "one-by-one")
    }
  }
}

/// Tokens are anybody's text.
@Suite struct TokenSpellingTests {
  @Test func nothingUnseenIsShown() throws {
    let spelling = TokenSpelling(try ReplayFixture.tokenizer(), end: 22)
    let cells = ReplayFixture.words.indices.map { spelling.cell(Token($0)) }
    #expect(
      cells == [
        "red", "sun", "3", "</script><script>window.harmed␣=␣true</script>", "<!--␣<script>", "‹2028›", "‹202E›evil", "‹1B›[2J", "⏎", "'∎'", "'▒'", "␣",
        "{{data}}",
        "汉字", "◌\u{301}", "\"}],\\", "&amp;", "<img␣src=x␣onerror='window.harmed␣=␣true'>", "⇥", "]]>", "'", "‹0›", "∎", "<|mask|>",
      ])
    #expect(spelling.cell(-1) == "▒" && spelling.cell(99) == "99")
    #expect(spelling.exact(1) == "‘ sun’ (1)" && spelling.exact(99) == "token 99")
    #expect(TokenSpelling(nil, end: 22).cell(5) == "5")
    #expect(spelling.text([0, 1, 8, 2]) == "red sun\n3")
  }

  @Test(arguments: [("red", 3), ("汉字", 4), ("é", 1), ("e\u{301}", 1), ("▒", 1), ("🙂", 2), ("", 0)])
  func columnsOfATerminal(_ text: String, _ columns: Int) { #expect(TokenSpelling.columns(text) == columns) }

  @Test func cuttingKeepsTheLimit() {
    for text in ["red sun", "汉字汉字", "e\u{301}e\u{301}e\u{301}"] {
      for limit in 1...8 {
        let cut = TokenSpelling.cut(text, to: limit)
        #expect(TokenSpelling.columns(cut) <= limit)
        #expect((cut == text) == (TokenSpelling.columns(text) <= limit))
      }
    }
  }
}
