import Diffusion
import Foundation
import Strategies
import Support
import Testing

/// Random lists of random strategies with random settings on random canvases.
@Suite struct FuzzTests {
  #if DEBUG
    private static let standard = 400
  #else
    private static let standard = 10_000
  #endif
  /// Decodes; `UNMASK_FUZZ` asks for more.
  static let count = ProcessInfo.processInfo.environment["UNMASK_FUZZ"].flatMap(Int.init) ?? standard

  @Test(arguments: 0..<8)
  func breaksNoInvariant(part: Int) throws {
    var (decodes, refusals) = (0, 0)
    var trial = 0
    while decodes < Self.count / 8 {
      let random = SeededRandom(seed: 20)[part][trial]
      trial += 1
      let geometry = Self.geometry(random["geometry"])
      let strategy = try Self.list(random["list"], wrappers: true)
      let pipeline: Pipeline
      do throws(ConfigurationError) {
        pipeline = try Toy.pipeline(strategy, geometry.length, blocks: geometry.blocks, sampling: geometry.sampling)
      } catch {
        // Refused with a reason, on one line for each mistake.
        #expect(!error.description.isEmpty)
        refusals += 1
        continue
      }
      try Invariants.check(pipeline, geometry, seed: UInt64(trial % 64), thoroughly: trial % 16 == 0, strategy.description)
      decodes += 1
    }
    #expect(refusals > 0)
  }

  /// Whatever a base is made of, drafts change neither its text nor a single decision, and never take more rounds.
  @Test(arguments: 0..<4)
  func draftsChangeNothing(part: Int) throws {
    var (decodes, saved) = (0, 0)
    var trial = 0
    while decodes < Self.count / 20 {
      let random = SeededRandom(seed: 21)[part][trial]
      trial += 1
      var geometry = Self.geometry(random["geometry"])
      geometry.sampling = .greedy
      let base = try Self.list(random["list"], wrappers: false)
      let settings: [(String, Setting)] = [
        ("drafts", .init(.integer(2 + random[0].integer(below: 15)))), ("across_blocks", .init(.bool(random[1].uniform < 0.5))),
      ]
      let (alone, ahead): (Decoded, Decoded)
      do throws(ConfigurationError) {
        let model = ToyDenoiser(context: Double(part), radius: trial % 3 == 0 ? 100 : 3, seed: UInt64(trial % 50))
        let run = { (list: Setting) throws(ConfigurationError) in
          try Toy.run(list, geometry.length, blocks: geometry.blocks, seed: UInt64(trial), pinned: geometry.pinned, model: model)
        }
        (alone, ahead) = (try run(base), try run(FreeDaveTests.freedave(base, settings)))
      } catch { continue }
      let comment = Comment(rawValue: "\(base.description) \(settings) \(geometry)")
      #expect(alone.error == nil && ahead.error == nil, comment)
      #expect(alone.edits.map(\.unmarked) == ahead.edits.map(\.unmarked), comment)
      #expect(ahead.rounds.count <= alone.rounds.count, comment)
      saved += alone.rounds.count - ahead.rounds.count
      decodes += 1
    }
    #expect(saved > 0)
  }

  static func geometry(_ random: SeededRandom) -> CatalogTests.Geometry {
    let blocks = [1, 2, 3, 4, 8][random[0].integer(below: 5)]
    let length = blocks * (1 + random[1].integer(below: max(1, 20 / blocks)))
    var pinned: [Int: Token] = [:]
    if random[2].uniform < 0.3 {
      for draw in 0..<1 + random[3].integer(below: 4) {
        pinned[random[4][draw].integer(below: length)] = Token(random[5][draw].integer(below: Toy.vocabulary.size - 1))
      }
    }
    var sampling = Sampling.greedy
    if random[6].uniform < 0.3 {
      sampling = Sampling(
        temperature: 2 * random[7].uniform, topP: random[8].uniform < 0.5 ? 1 : 0.1 + 0.9 * random[8].uniform, topK: random[9].integer(below: 6))
    }
    return CatalogTests.Geometry(length: length, blocks: random[10].uniform < 0.4 ? length : blocks, pinned: pinned, sampling: sampling)
  }

  /// A list of up to four rules, or a wrapper over one.
  static func list(_ random: SeededRandom, wrappers: Bool) throws -> Setting {
    let entries = Catalog.standard.entries
    if wrappers, random[0].uniform < 0.3 {
      let candidates = entries.filter { $0.isWrapper }
      let wrapper = candidates[random[1].integer(below: candidates.count)]
      let base = try list(random["base"], wrappers: random[2].uniform < 0.3)
      return [try rule(wrapper.name, random[3], base: base)]
    }
    // Now and then a wrapper or a second early stop, which must be refused.
    let plain = random[4].uniform < 0.05 ? entries : entries.filter { !$0.isWrapper }
    return Setting(.list(try (0..<1 + random[5].integer(below: 4)).map { try rule(plain[random[6][$0].integer(below: plain.count)].name, random[7][$0]) }))
  }

  /// A rule with some of its keys set, by what it declares of them.
  static func rule(_ name: String, _ random: SeededRandom, base: Setting? = nil) throws -> Setting {
    var entries: [Setting.Entry] = []
    for declaration in try Catalog.standard.declarations(of: name, context: Toy.context(8, blocks: 8)) {
      let draw = random[declaration.key]
      if declaration.key == "base" {
        if let base { entries.append(Setting.Entry("base", base)) }
        continue
      }
      guard draw[0].uniform < 0.4 else { continue }
      switch declaration.value.value {
      case .number(let number): entries.append(Setting.Entry(declaration.key, Setting(.number(number * [0, 0.3, 0.8, 1, 1.1][draw[1].integer(below: 5)]))))
      case .integer(let number): entries.append(Setting.Entry(declaration.key, Setting(.integer([1, 2, 3, number, 2 * number][draw[1].integer(below: 5)]))))
      case .bool: entries.append(Setting.Entry(declaration.key, Setting(.bool(draw[1].uniform < 0.5))))
      case .null: entries.append(Setting.Entry(declaration.key, Setting(.integer(draw[1].integer(below: 12)))))
      case .text:
        let names = declaration.range.components(separatedBy: ", ")
        entries.append(Setting.Entry(declaration.key, Setting(.text(names[draw[1].integer(below: names.count)]))))
      case .list, .map: continue
      }
    }
    return Setting(.map([Setting.Entry(name, Setting(.map(entries)))]))
  }
}
