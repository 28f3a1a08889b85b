import Foundation
import Testing

/// A real browser without a window, driven through a pipe as its developer tools are.
final class Browser {
  /// Where Debian's package `chromium`, which `make test` installs, puts its program.
  private static let program = "/usr/bin/chromium"

  /// Whether it is there.
  static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

  private let process = Process()
  private let profile: String
  private let commands = Pipe()
  private let answers = Pipe()
  private var buffer: [UInt8] = []
  private var session: String?
  private var last = 0
  /// What the page complained about: errors, refused loads, violations of its policy.
  private(set) var complaints: [String] = []
  private var isLoaded = false

  init(width: Int = 1200, height: Int = 1600) throws {
    profile = FileManager.default.temporaryDirectory.appending(path: "browser-\(UUID().uuidString)").path
    // Inside a container there is neither a sandbox nor shared memory to speak of. The pipe is descriptors 3 and 4.
    let options = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
      "--remote-debugging-pipe", "--window-size=\(width),\(height)", "--user-data-dir=\(profile)",
    ]
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exec \(Self.program) \(options.joined(separator: " ")) 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1"]
    process.standardInput = commands
    process.standardOutput = answers
    process.standardError = FileHandle.nullDevice
    try process.run()
    try answers.fileHandleForWriting.close()
    let page = try send("Target.createTarget", ["url": "about:blank"])
    session = try #require(try send("Target.attachToTarget", ["targetId": page["targetId"] ?? "", "flatten": true])["sessionId"] as? String)
    for domain in ["Page", "Runtime", "Log"] { _ = try send("\(domain).enable", [:]) }
  }

  /// Ends the browser, whatever state it is in, and removes what it kept.
  func quit() throws {
    session = nil
    do { _ = try send("Browser.close", [:]) } catch { process.terminate() }
    process.waitUntilExit()
    // Its helpers may still be writing their last.
    for attempt in 1...40 {
      do { return try FileManager.default.removeItem(atPath: profile) } catch { if attempt == 40 { throw error } }
      usleep(50_000)
    }
  }

  /// Opens an address and waits until its page is there.
  func open(_ url: String) throws {
    isLoaded = false
    // An address that differs behind its # alone is the same page, which loads nothing.
    if try send("Page.navigate", ["url": url])["loaderId"] != nil { while !isLoaded { try receive() } }
    let _: Bool = try evaluate("return new Promise(done => setTimeout(() => done(true), 20))")
  }

  /// The value of a function's body in the page.
  func evaluate<Value>(_ body: String, as type: Value.Type = Value.self) throws -> Value {
    let answer = try send("Runtime.evaluate", ["expression": "(() => {\(body)})()", "returnByValue": true, "awaitPromise": true])
    let value = (answer["result"] as? [String: Any])?["value"]
    return try #require(value as? Value, "\(body): \(answer)")
  }

  /// A key by the name that pages know it by, and its number.
  enum Key {
    case arrowLeft, arrowRight, home, end
    case letter(Character)

    fileprivate var words: [String: Any] {
      switch self {
      case .arrowLeft: ["key": "ArrowLeft", "code": "ArrowLeft", "windowsVirtualKeyCode": 37]
      case .arrowRight: ["key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39]
      case .home: ["key": "Home", "code": "Home", "windowsVirtualKeyCode": 36]
      case .end: ["key": "End", "code": "End", "windowsVirtualKeyCode": 35]
      case .letter(let letter): ["key": "\(letter)", "text": "\(letter)"]
      }
    }
  }

  /// Presses a key while an element has the focus.
  func press(_ key: Key, on selector: String) throws {
    let _: Bool = try evaluate("document.querySelector(\(Self.quoted(selector))).focus(); return true")
    for type in ["keyDown", "keyUp"] { _ = try send("Input.dispatchKeyEvent", key.words.merging(["type": type]) { $1 }) }
  }

  /// Clicks on an element.
  func click(_ selector: String) throws {
    let middle = """
      const element = document.querySelector(\(Self.quoted(selector)));
      element.scrollIntoView({block: 'center'});
      const box = element.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
      """
    try click(at: try evaluate(middle))
  }

  /// Clicks at a place of the window.
  func click(at place: [Double]) throws {
    for type in ["mousePressed", "mouseReleased"] {
      _ = try send("Input.dispatchMouseEvent", ["type": type, "x": place[0], "y": place[1], "button": "left", "clickCount": 1])
    }
  }

  private static func quoted(_ text: String) -> String { "`\(text)`" }

  private func send(_ method: String, _ parameters: [String: Any]) throws -> [String: Any] {
    last += 1
    let id = last
    var message: [String: Any] = ["id": id, "method": method, "params": parameters]
    if let session { message["sessionId"] = session }
    try commands.fileHandleForWriting.write(contentsOf: try JSONSerialization.data(withJSONObject: message) + [0])
    while true {
      guard let answer = try receive(), answer["id"] as? Int == id else { continue }
      return try #require(answer["result"] as? [String: Any], "\(method): \(answer)")
    }
  }

  /// The next message; nil for an event, which is noted.
  @discardableResult
  private func receive() throws -> [String: Any]? {
    let number = answers.fileHandleForReading.fileDescriptor
    while !buffer.contains(0) {
      var request = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
      try #require(poll(&request, 1, 60_000) > 0, "the browser does not answer")
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(number, &bytes, bytes.count)
      try #require(count > 0, "the browser has ended")
      buffer += bytes[..<count]
    }
    let message = buffer.prefix { $0 != 0 }
    buffer.removeFirst(message.count + 1)
    let content = try #require(try JSONSerialization.jsonObject(with: Data(message)) as? [String: Any])
    guard let event = content["method"] as? String else { return content }
    if event == "Page.loadEventFired" { isLoaded = true }
    let entry = (content["params"] as? [String: Any])?["entry"] as? [String: Any]
    if event == "Runtime.exceptionThrown" || entry?["level"] as? String == "error" { complaints.append("\(content["params"] ?? content)") }
    return nil
  }
}
