extension WorkerDenoiser.Options {
  /// The keys of a worker's options, as names of models and experiment files write them.
  public static let keys = ["worker", "device", "dtype", "batch", "threads", "remote_code"]

  /// Reads a worker's options; nil where there are none of them.
  ///
  /// `worker` is `torch` for one that is started, else the path of the socket of one that is there. A key is there once.
  init?(_ settings: [(key: String, value: String)]) throws(ModelError) {
    guard let first = settings.first else { return nil }
    guard let worker = settings.first(where: { $0.key == "worker" }) else {
      throw .option(key: first.key, value: "\"\(first.value)\"", expected: "worker=torch beside it")
    }
    self.init()
    if worker.value != "torch" {
      guard worker.value.contains("/") else {
        throw .option(key: "worker", value: "\"\(worker.value)\"", expected: "torch, or the path of the socket of a worker that runs")
      }
      socket = worker.value
    }
    for (key, value) in settings where key != "worker" {
      guard socket == nil else { throw .option(key: key, value: "\"\(value)\"", expected: "worker=torch; one that runs has its own options") }
      func whole(_ limit: Int) throws(ModelError) -> Int {
        guard let number = Int(value), (0...limit).contains(number) else {
          throw .option(key: key, value: "\"\(value)\"", expected: "a whole number from 0 to \(limit)")
        }
        return number
      }
      switch key {
      case "device": device = value
      case "dtype":
        guard ["auto", "float32", "bfloat16", "float16"].contains(value) else {
          throw .option(key: key, value: "\"\(value)\"", expected: "auto, float32, bfloat16 or float16")
        }
        dtype = value
      case "batch": batch = try whole(1024)
      case "threads": threads = try whole(1024)
      default:
        guard value == "true" || value == "false" else { throw .option(key: key, value: "\"\(value)\"", expected: "true or false") }
        trustsRemoteCode = value == "true"
      }
    }
  }

  /// The options as a name writes them.
  public var text: String {
    if let socket { return "worker=" + socket }
    var parts = ["worker=torch"]
    let usual = Self()
    if device != usual.device { parts.append("device=" + device) }
    if dtype != usual.dtype { parts.append("dtype=" + dtype) }
    if batch != usual.batch { parts.append("batch=\(batch)") }
    if threads != usual.threads { parts.append("threads=\(threads)") }
    if trustsRemoteCode { parts.append("remote_code=true") }
    return parts.joined(separator: "&")
  }
}

extension WorkerDenoiser.Engine {
  /// What computes, in a line.
  public var text: String { "torch \(torch) on \(deviceName.map { "\(device) (\($0))" } ?? device), \(dtype), batch \(batch)" }
}
