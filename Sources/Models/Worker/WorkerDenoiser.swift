public import Diffusion
internal import Foundation
internal import Synchronization

/// A checkpoint evaluated by PyTorch in a process of its own, on whatever PyTorch computes on: a GPU, or this machine's processor.
///
/// The process is a Python script that ships with this package (`unmask_worker.py`, which states the protocol). It answers with reduced rows: the best
/// candidates, the tokens asked for, the sums over the vocabulary in float64. A question does not change the worker, so one that is lost with it is asked
/// again of the next; only when the third one dies too the sample fails.
///
/// Rows have the same bits whatever else is in the batch, because batches always have the same shape; they are not the bits of the native engine.
public final class WorkerDenoiser: Denoiser {
  /// How a worker is found or started.
  public struct Options: Sendable, Hashable {
    /// What computes, as PyTorch names it: `cpu`, `cuda`, `cuda:1`, `mps`; `auto` takes what there is.
    public var device = "auto"
    /// `float32`, `bfloat16`, `float16`; `auto`: float32 on a processor, elsewhere what the checkpoint says.
    public var dtype = "auto"
    /// Canvases of one pass; 0: 1 on a processor, 8 elsewhere. Results depend on it in the last bits.
    public var batch = 0
    /// Threads on a processor; 0: PyTorch's choice.
    public var threads = 0
    /// Whether the code in the checkpoint's folder may be run, for families that the worker does not know.
    public var trustsRemoteCode = false
    /// The Python that has torch and safetensors. Nil: the environment's UNMASK_TORCH_PYTHON, what `make torch` made, or `python3` on the PATH.
    public var python: String?
    /// The socket of a worker that was started by hand; nil starts one.
    public var socket: String?
    /// Seconds after which a silent worker counts as lost, loading a model included.
    public var patience = 900

    /// The standard settings.
    public init() {}
  }

  /// What a worker says of itself: all of it can change the last bits of a result, and is part of a run's identity.
  public struct Engine: Sendable, Hashable, Codable {
    /// What computes.
    public let device: String
    /// The type of weights and activations.
    public let dtype: String
    /// Canvases of one pass.
    public let batch: Int
    /// PyTorch's version.
    public let torch: String
    /// The accelerator's name, where there is one.
    public let deviceName: String?
    let vocabulary: Int
    let maxLength: Int
    let `protocol`: Int

    enum CodingKeys: String, CodingKey {
      case device, dtype, batch, torch, vocabulary, `protocol`
      case deviceName = "device_name"
      case maxLength = "max_length"
    }
  }

  /// The vocabulary of every row.
  public let vocabulary: Vocabulary
  /// Fresh rows, whole ones too; neither extra rows nor mixtures.
  public let abilities: Abilities = [.freshRows, .fullRows]
  /// The longest sequence.
  public let maxLength: Int
  /// What computes.
  public let engine: Engine
  /// The shape of the model, as its folder says.
  public let configuration: ModelConfiguration

  private let process: WorkerProcess?
  private let options: Options
  private let idle: Mutex<[Lent]>

  /// A connection, and the process it leads to.
  private struct Lent: Sendable {
    let connection: WorkerConnection
    let generation: Int
  }

  /// Starts a worker for a checkpoint, or connects to one, and waits until it has loaded.
  ///
  /// - Parameter directory: a folder in Hugging Face layout.
  public init(directory: String, options: Options = Options()) throws(ModelError) {
    let reader = try ConfigurationReader(directory + "/config.json")
    let shape = try ModelFamily.of(reader).configuration(reader)
    self.options = options
    configuration = shape
    do throws(WorkerFault) {
      let process: WorkerProcess? =
        options.socket == nil
        ? WorkerProcess(python: try Self.python(options), arguments: [try Self.script()] + Self.arguments(directory, options)) : nil
      let (lent, engine) = try Self.connect(process, options)
      guard engine.vocabulary == shape.vocabularySize else {
        throw .refused("it has a vocabulary of \(engine.vocabulary), and \(directory) one of \(shape.vocabularySize): it computes another model")
      }
      self.process = process
      self.engine = engine
      idle = Mutex([lent])
      vocabulary = Vocabulary(size: shape.vocabularySize, mask: shape.mask, end: shape.end)
      maxLength = min(engine.maxLength, shape.maxLength)
    } catch { throw .worker(Self.words(error)) }
  }

  /// The number of the process it started last; nil where it connected to one.
  package var processIdentifier: Int32? { process?.identifier }

  /// Evaluates a batch of sequences; several callers' are computed together.
  public func believe(_ queries: [Query]) throws(DenoiserError) -> [Response] {
    for query in queries {
      guard query.positionIDs == nil, query.visibility == nil, query.soft.isEmpty else {
        throw .unsupported("a worker evaluates plain canvases; extra rows and mixtures of embeddings need the native engine")
      }
      guard query.tokens.count <= maxLength else { throw .tooLong(length: query.tokens.count, limit: maxLength) }
      if query.reading.hidden { throw .unsupported("a worker gives no hidden states; they need the native engine") }
    }
    let question = WorkerQuestion(queries, predictsNext: configuration.predictsNext, vocabulary: vocabulary.size)
    var lost: Int?
    var attempt = 0
    while true {
      attempt += 1
      let answer: Result<[Response], DenoiserError>
      do throws(WorkerFault) {
        let lent = try lend(insteadOf: lost)
        lost = lent.generation
        try lent.connection.send(question.header, question.body)
        answer = try question.responses(try lent.connection.receive(limit: question.answerBytes))
        idle.withLock { $0.append(lent) }
      } catch {
        if case .lost = error, attempt < 3 { continue }
        throw .failed(Self.words(error) + (process?.lastWords.map { "; its last words: \($0.prefix(300))" } ?? ""))
      }
      return try answer.get()
    }
  }

  /// A connection to a worker that is there.
  private func lend(insteadOf lost: Int?) throws(WorkerFault) -> Lent {
    while let lent = idle.withLock({ $0.popLast() }) {
      if lent.generation != lost, process?.isAlive(lent.generation) ?? (lost == nil) { return lent }
    }
    let (lent, found): (Lent, Engine)
    do throws(WorkerFault) { (lent, found) = try Self.connect(process, options, insteadOf: lost) } catch {
      // One that started before and dies while it starts again is lost like any other.
      guard case .refused(let reason) = error, let process, !process.isRunning else { throw error }
      throw .lost(reason)
    }
    guard found == engine else { throw .refused("another worker answers: \(found) instead of \(engine)") }
    return lent
  }

  private static func connect(_ process: WorkerProcess?, _ options: Options, insteadOf lost: Int? = nil) throws(WorkerFault) -> (Lent, Engine) {
    let connection: WorkerConnection
    var generation = 0
    if let process {
      let running = try process.running(insteadOf: lost)
      generation = running.generation
      connection = try reach(running, process, options)
    } else {
      do throws(WorkerFault) { connection = try WorkerConnection(path: options.socket ?? "", patience: options.patience) } catch {
        guard case .lost(let reason) = error else { throw error }
        throw .refused("no worker listens there: \(reason)")
      }
    }
    let hello: WorkerConnection.Message
    do throws(WorkerFault) { hello = try connection.receive(limit: 0) } catch {
      // A worker that ends before it says anything says why on standard error.
      guard let process, case .lost = error else { throw error }
      Thread.sleep(forTimeInterval: 0.1)
      throw .refused(process.lastWords ?? "it ended before it said anything")
    }
    let engine: Engine
    do { engine = try JSONDecoder().decode(Engine.self, from: Data(hello.header)) } catch { throw .refused("its hello is not understood: \(error)") }
    guard engine.protocol == 1 else { throw .refused("it speaks protocol \(engine.protocol), expected 1; start the script of this version") }
    guard engine.vocabulary > 0, engine.maxLength > 0 else { throw .refused("its hello makes no sense: \(engine)") }
    return (Lent(connection: connection, generation: generation), engine)
  }

  /// Connects as soon as a process listens.
  private static func reach(_ running: WorkerProcess.Running, _ process: WorkerProcess, _ options: Options) throws(WorkerFault) -> WorkerConnection {
    for _ in 0..<options.patience * 50 {
      do throws(WorkerFault) { return try WorkerConnection(path: running.socket, patience: options.patience) } catch {
        guard case .lost = error else { throw error }
        guard process.isAlive(running.generation) else {
          Thread.sleep(forTimeInterval: 0.1)
          throw .refused(process.lastWords ?? "it ended at once")
        }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
    throw .lost("it does not listen after \(options.patience) seconds")
  }

  private static func words(_ fault: WorkerFault) -> String {
    switch fault {
    case .lost(let reason): "the worker is lost: \(reason)"
    case .refused(let reason): "the worker: \(reason)"
    }
  }

  // MARK: What is started

  private static func arguments(_ directory: String, _ options: Options) -> [String] {
    var words = ["--model", directory, "--device", options.device, "--dtype", options.dtype, "--batch", "\(options.batch)", "--threads", "\(options.threads)"]
    if options.trustsRemoteCode { words.append("--trust-remote-code") }
    return words
  }

  private static func script() throws(WorkerFault) -> String {
    do throws(ModelError) { return try ModelCatalog().resources + "/worker/unmask_worker.py" } catch { throw .refused("\(error)") }
  }

  /// The Python that a worker is started with, where no option names one.
  package static func python() throws(ModelError) -> String {
    do throws(WorkerFault) { return try python(Options()) } catch { throw .worker(words(error)) }
  }

  private static func python(_ options: Options) throws(WorkerFault) -> String {
    let environment = ProcessInfo.processInfo.environment
    if let named = options.python ?? environment["UNMASK_TORCH_PYTHON"], !named.isEmpty {
      guard FileManager.default.isExecutableFile(atPath: named) else {
        throw .refused("\(named) is no program; name the Python that has torch and safetensors")
      }
      return named
    }
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardizedFileURL.path
    let places = ["\(root)/.build/torch/venv/bin/python"] + (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/python3" }
    guard let found = places.first(where: FileManager.default.isExecutableFile) else {
      throw .refused("there is no Python in \(places.joined(separator: ", ")); `make torch` makes one with torch")
    }
    return found
  }
}
