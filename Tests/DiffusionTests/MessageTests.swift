import Diffusion
import Testing

/// Golden text: what a person reads when something is wrong.
@Suite struct MessageTests {
  static let decoding: [(DecodingError, String)] = [
    (.illegal(strategy: "saber", round: 3, position: 7, reason: "it is pinned"), "strategy `saber`, round 3: illegal edit at position 7: it is pinned"),
    (.badView(strategy: "wino", round: 0, reason: "it shows the model nothing"), "strategy `wino`, round 0: illegal view: it shows the model nothing"),
    (
      .tooManyRounds(limit: 512, masked: 3),
      "still 3 masked positions after max_rounds = 512 rounds; raise max_rounds, or check the strategy's progress"
    ),
    (.incomplete(expected: 3, got: 2), "the denoiser answered 2 rows or sequences where 3 were asked for"),
    (.denoiser(.tooLong(length: 300, limit: 256)), "a sequence of 300 positions is longer than the model's 256; shorten the prompt or gen_length"),
    (.denoiser(.unknownToken(token: 99, vocabulary: 24)), "token 99 is not in the model's vocabulary of 24"),
    (.denoiser(.nonFinite(row: 4, sequence: 1)), "the model's logits for row 4 of sequence 1 are not finite"),
    (.denoiser(.failed("the guided model left out rows of sequence 0")), "the guided model left out rows of sequence 0"),
  ]

  @Test(arguments: decoding.indices)
  func decodingErrors(_ index: Int) { #expect(Self.decoding[index].0.description == Self.decoding[index].1) }

  static let places: [(ConfigurationError, String)] = [
    (.missing(key: "model", owner: "experiment", expected: "a directory"), "experiment needs `model`: a directory"),
    (.unreadable(file: "a.yaml", reason: "no such file"), "a.yaml: no such file"),
    (.composition("no").at(file: "a.yaml"), "a.yaml: no"),
    (.composition("no").at(line: 3), "line 3: no"),
    (.composition("no").at(path: "b").at(file: "a.yaml", path: "a", line: 3), "a.yaml:3: a.b: no"),
    (.composition("no").at(file: "a", line: 3).at(file: "b", line: 4), "a:3: no"),
    (.several([.composition("x"), .composition("y")]).at(file: "a", line: 1), "a:1: x\na:1: y"),
    (.several([.several([.composition("x")]), .composition("y")]), "x\ny"),
  ]

  @Test(arguments: places.indices)
  func configurationErrors(_ index: Int) { #expect(Self.places[index].0.description == Self.places[index].1) }
}
