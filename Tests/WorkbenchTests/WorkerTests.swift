import Diffusion
import Foundation
import Models
import Strategies
import Support
import Synchronization
import Testing

@testable import Workbench

/// The shipped model in a real PyTorch process: the same decisions as the native engine, whatever happens to the process.
///
/// Waiting for torch to load takes seconds, so one worker serves all of them.
@Suite(.serialized) struct WorkerTests {
  private static let shared = Mutex<(native: any Denoiser, worker: WorkerDenoiser, model: LoadedModel)?>(nil)

  private static func options(batch: Int = 0) -> WorkerDenoiser.Options {
    var options = WorkerDenoiser.Options()
    options.device = "cpu"
    options.threads = 1
    options.batch = batch
    return options
  }

  private static func pair() throws -> (native: any Denoiser, worker: WorkerDenoiser, model: LoadedModel) {
    try shared.withLock { pair in
      if let pair { return pair }
      let model = try LoadedModel("reference")
      let made = (model.denoiser, try WorkerDenoiser(directory: model.directory, options: options()), model)
      pair = made
      return made
    }
  }

  private static func canvases(_ count: Int) throws -> [Canvas] {
    let model = try pair().model
    let tokenizer = try #require(model.tokenizer)
    return try ["lists", "arithmetic", "choice"].flatMap { name in
      let benchmark = try BenchmarkCatalog.standard.benchmark(named: name)
      return try (0..<count).map {
        try benchmark.problem($0, of: .dev).canvas(
          Geometry(genLength: 24, blockLength: 12), tokenizer: tokenizer, vocabulary: model.denoiser.vocabulary)
      }
    }
  }

  private static func queries(_ lengths: [Int], _ reading: Reading) -> [Query] {
    lengths.enumerated().map { number, length in
      let source = SeededRandom(seed: 5)[number]
      let tokens = (0..<length).map { source[$0].uniform < 0.4 ? 1 : Token(source["token"][$0].integer(below: 958)) }
      return Query(tokens: tokens, rows: Array(stride(from: 0, to: length, by: 3)), reading: reading)
    }
  }

  @Test(
    arguments: [
      [["quota": ["steps": 12]]], [["threshold": ["confidence": 0.8]]], [["credit": [:]], ["localleap": [:]], ["sched": [:]]],
      [["freedave": ["drafts": 3, "base": [["threshold": [:]]]]]], [["hex": ["blocks": [6, 24], "base": [["threshold": [:]]]]]],
    ] as [Setting])
  func decisionsAreThoseOfTheNativeEngine(_ strategy: Setting) throws {
    let (native, worker, _) = try Self.pair()
    for (number, canvas) in try Self.canvases(2).enumerated() {
      let context = Parameters.Context(genLength: 24, blockLength: 12, vocabulary: native.vocabulary, catalog: .standard)
      let pipeline = try Catalog.standard.build(strategy, context: context).pipeline
      let decoded = try [native, worker].map { denoiser in
        let session = try Session(id: number, canvas: canvas, pipeline: pipeline, random: SeededRandom(seed: 0)[number])
        var shown: [[Token]] = []
        let outcome = Decoder(denoiser).decode([session], record: { _, round in shown.append(round.canvas.response) })[0]
        guard case .finished(let last) = outcome else { throw Failed(outcome: "\(String(describing: outcome))") }
        return (shown: shown, cost: last.cost)
      }
      #expect(decoded[0].shown == decoded[1].shown && decoded[0].cost == decoded[1].cost)
    }
  }

  private struct Failed: Error { let outcome: String }

  @Test func rowsAreReducedAsTheNativeEngineReducesThem() throws {
    let (native, worker, _) = try Self.pair()
    let reading = Reading(topK: 4, gather: [0, 7, 957], suppress: [0, 3], fullRows: true)
    for query in Self.queries([9, 33, 70], reading) {
      let (mine, theirs) = (try native.believe([query])[0], try worker.believe([query])[0])
      #expect(mine.cost == theirs.cost && mine.rows.count == theirs.rows.count)
      for (mine, theirs) in zip(mine.rows, theirs.rows) {
        // Its own whole row, reduced here, is what it reduced there.
        let full = try #require(theirs.full)
        let reduced = try #require(full.withUnsafeBufferPointer { RowSummary($0, reading: reading) })
        #expect(reduced.top == theirs.top && reduced.gathered == theirs.gathered && reduced.withheld == theirs.withheld)
        #expect(abs(reduced.mass.logSumExp - theirs.mass.logSumExp) < 1e-9 && abs(reduced.mass.entropy - theirs.mass.entropy) < 1e-9)
        let rest = (try #require(reduced.remaining), try #require(theirs.remaining))
        #expect(abs(rest.0.logSumExp - rest.1.logSumExp) < 1e-9 && abs(rest.0.entropy - rest.1.entropy) < 1e-9)
        // And the native engine's up to float32.
        let far = zip(full, try #require(mine.full)).map { abs($0 - $1) }.max() ?? 1
        #expect(far < 1e-4, "\(far)")
      }
    }
  }

  @Test(arguments: [1, 3]) func companyChangesNoBit(_ batch: Int) throws {
    let directory = try Self.pair().model.directory
    let worker = try WorkerDenoiser(directory: directory, options: Self.options(batch: batch))
    let queries = Self.queries([20, 31, 20, 20, 31], Reading(topK: 2, fullRows: true))
    let together = try worker.believe(queries)
    for (query, there) in zip(queries, together) {
      let alone = try worker.believe([query])[0]
      #expect(alone.rows.map(\.full) == there.rows.map(\.full) && alone.rows.map(\.mass) == there.rows.map(\.mass))
    }
    // Several callers at once, whose canvases the worker puts together as they come.
    let answers = Mutex([Int: [[Float]?]]())
    DispatchQueue.concurrentPerform(iterations: queries.count) { index in
      do {
        let rows = try worker.believe([queries[index]])[0].rows.map(\.full)
        answers.withLock { $0[index] = rows }
      } catch { Issue.record(error) }
    }
    for index in queries.indices { #expect(answers.withLock { $0[index] } == together[index].rows.map(\.full)) }
  }

  @Test func aDeadWorkerIsReplaced() throws {
    let worker = try WorkerDenoiser(directory: try Self.pair().model.directory, options: Self.options())
    let query = Self.queries([24], Reading(fullRows: true))
    let before = try worker.believe(query)[0].rows.map(\.full)
    let first = try #require(worker.processIdentifier)
    kill(first, SIGKILL)
    #expect(try worker.believe(query)[0].rows.map(\.full) == before)
    let second = try #require(worker.processIdentifier)
    #expect(second != first)
    // In the middle of a question, too.
    let isKilled = Mutex(false)
    let killer = Thread {
      Thread.sleep(forTimeInterval: 0.02)
      kill(second, SIGKILL)
      isKilled.withLock { $0 = true }
    }
    killer.start()
    while !isKilled.withLock({ $0 }) { #expect(try worker.believe(query)[0].rows.map(\.full) == before) }
    for _ in 0..<2 { #expect(try worker.believe(query)[0].rows.map(\.full) == before) }
    #expect(worker.processIdentifier != second)
  }

  /// An experiment on both engines: the same outcomes under another identity, though its worker is killed on the way.
  @Test(.timeLimit(.minutes(30))) func anExperimentSurvivesItsWorker() throws {
    let folder = try Folder()
    let file = folder.path + "/e.yaml"
    let text = """
      name: engines
      model: [reference, {path: reference, worker: torch, device: cpu, threads: 1}]
      benchmark: {name: arithmetic, split: dev, limit: 6}
      strategies: {one-by-one: [quota: {}]}
      """
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let run = try Command.start(["run", file, "--output", folder.path + "/out"], errors: folder.path + "/errors")
    // When the first model's run is finished the second one's worker is at work.
    var seen: Set<pid_t> = []
    var killed: Set<pid_t> = []
    while run.isRunning {
      let files = FileManager.default.enumerator(atPath: folder.path + "/out")?.compactMap { $0 as? String } ?? []
      for worker in try Self.workers(of: run.processIdentifier) {
        seen.insert(worker)
        guard killed.count < 2, !killed.contains(worker), files.contains(where: { $0.hasSuffix("/outcomes.jsonl") }) else { continue }
        kill(worker, SIGKILL)
        killed.insert(worker)
      }
      Thread.sleep(forTimeInterval: 0.02)
    }
    let errors = try folder.text(folder.path + "/errors")
    #expect(run.terminationStatus == 0 && !killed.isEmpty, "\(errors)")
    let index = try #require(try RunIndex.read(from: folder.path + "/out/engines"))
    #expect(index.runs.map(\.model) == ["reference", "reference?worker=torch&device=cpu&threads=1"] && index.runs[0].digest != index.runs[1].digest)
    let outcomes = try index.runs.map { try folder.text(folder.path + "/out/engines/\($0.digest)/outcomes.jsonl") }
    #expect(outcomes[0] == outcomes[1] && outcomes[0].split(separator: "\n").count == 6)
    // A worker ends with the process that started it.
    let end = ContinuousClock.now + .seconds(300)
    while try !seen.isDisjoint(with: Self.workers(of: nil)), ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.1) }
    #expect(try seen.isDisjoint(with: Self.workers(of: nil)))
  }

  /// The workers that a process started, or all.
  private static func workers(of parent: Int32?) throws -> [pid_t] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { process in
      // A process may have ended since the list was made.
      do {
        let line = try String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        return line.contains("unmask_worker.py") && (parent.map { status.contains("PPid:\t\($0)\n") } ?? true)
      } catch { return false }
    }
  }

  @Test(arguments: [
    ("reference?worker=tensor", "expected torch, or the path of the socket"), ("reference?device=cpu", "expected worker=torch beside it"),
    ("reference?worker=torch&batch=-1", "expected a whole number from 0 to 1024"), ("reference?worker=torch&skip_layers=1", "the native engine changes models"),
    ("reference?worker=torch&worker=torch", "given twice"), ("reference?worker=/nowhere&device=cpu", "has its own options"),
    ("reference?workers=torch", "did you mean `worker`?"),
  ])
  func mistakesInANameAreSaid(_ name: String, _ message: String) throws {
    let result = try Command.run(["models", name])
    #expect(result.code == 2 && result.errors.contains(message), "\(result.errors)")
  }

  @Test func namesHaveOneSpelling() throws {
    let name = "a/b?threads=2&worker=torch&dtype=bfloat16&remote_code=true"
    let reference = try ModelReference(name)
    #expect(reference.text == "a/b?worker=torch&dtype=bfloat16&threads=2&remote_code=true")
    #expect(try ModelReference(reference.text) == reference)
    #expect(try ModelReference("a?worker=/run/w.sock").worker?.socket == "/run/w.sock")
  }

  @Test func whatItCannotDoIsSaid() throws {
    let worker = try Self.pair().worker
    #expect(throws: DenoiserError.unknownToken(token: 5000, vocabulary: 958)) { try worker.believe([Query(tokens: [5000, 1], rows: [1])]) }
    #expect(throws: DenoiserError.tooLong(length: 600, limit: 512)) { try worker.believe([Query(tokens: Array(repeating: 1, count: 600), rows: [1])]) }
    var query = Query(tokens: [1, 1], rows: [0])
    query.positionIDs = [4, 5]
    #expect(throws: DenoiserError.self) { try worker.believe([query]) }
    // And it is as good as before.
    #expect(try worker.believe([Query(tokens: [1, 1], rows: [0])])[0].rows.count == 1)
  }

  @Test func aWorkerThatCannotStartSaysWhy() throws {
    let folder = try Folder()
    var options = Self.options()
    options.python = folder.path + "/none"
    #expect(Self.refusal(options).contains("is no program"))
    options.python = "/bin/false"
    #expect(Self.refusal(options).contains("it ended"))
    options.python = nil
    options.device = "cuda:77"
    #expect(!Self.refusal(options).isEmpty)
    options.socket = folder.path + "/nobody"
    #expect(Self.refusal(options).contains("no worker listens there"))
  }

  private static func refusal(_ options: WorkerDenoiser.Options) -> String {
    do {
      _ = try WorkerDenoiser(directory: try pair().model.directory, options: options)
      return ""
    } catch { return "\(error)" }
  }

  /// Something that listens where a worker should, and says something else.
  @Test(arguments: [
    "GET / HTTP/1.1\r\n\r\n", "UMSK\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}", "UMSK\u{2}\0\0\0\0\0\0\0\0\0\0\0{}",
    "UMSK\u{2}\0\0\0\u{5}\0\0\0\0\0\0\0{}", "",
  ])
  func whatIsNoWorkerIsRefused(_ words: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "w\(UInt32.random(in: 0 ... .max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) } }
    var options = Self.options()
    options.socket = folder + "/s"
    let script = """
      import socket, sys
      server = socket.socket(socket.AF_UNIX)
      server.bind(sys.argv[1])
      server.listen()
      server.accept()[0].sendall(bytes.fromhex(sys.argv[2]))
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = ["-c", script, folder + "/s", words.utf8.map { String(format: "%02x", $0) }.joined()]
    _ = try Self.pair()
    try process.run()
    defer {
      process.terminate()
      process.waitUntilExit()
    }
    while !FileManager.default.fileExists(atPath: folder + "/s") { Thread.sleep(forTimeInterval: 0.01) }
    var refusal = "no worker listens there"
    // Between binding and listening nobody answers.
    for _ in 0..<100 where refusal.contains("no worker listens there") {
      refusal = Self.refusal(options)
      Thread.sleep(forTimeInterval: 0.01)
    }
    #expect(refusal.contains("the worker"), "\(refusal)")
  }
}
