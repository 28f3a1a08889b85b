import Foundation
import Testing

@testable import Traces

/// Files replaced as a whole, and what is never replaced. Pipes and sockets of a folder of their own stand for devices.
@Suite struct DurableFileTests {
  private static let old = Array("old".utf8)
  private static let new = Array("new".utf8)

  private func kind(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
  }

  /// The reasons of the refusals, by the check before the work and by the writing itself.
  private func refusals(_ path: String) -> [String] {
    [reason(path) { try TraceFile.check(destination: path) }, reason(path) { try DurableFile.replace(path, with: Self.new) }]
  }

  private func reason(_ path: String, _ attempt: () throws -> Void) -> String {
    do {
      try attempt()
      return "accepted"
    } catch {
      guard case TraceError.unwritable(let named, let reason, let isResumable) = error else { return "\(error)" }
      #expect(named == path && !isResumable && !"\(error)".contains("same command"))
      return reason
    }
  }

  @Test func whatIsNotARegularFileStays() throws {
    let folder = try Folder()
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    let address = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(address) }
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: folder.file("s").utf8.prefix($0.count - 1)) }
    let bound = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(address, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    #expect(bound == 0)
    try FileManager.default.createDirectory(atPath: folder.file("folder"), withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "pipe")
    let before = try folder.names
    for (name, type) in [("pipe", S_IFIFO), ("s", S_IFSOCK), ("folder", S_IFDIR), ("link", S_IFLNK)] {
      #expect(refusals(folder.file(name)) == ["it is not a regular file", "it is not a regular file"], "\(name)")
      #expect(kind(folder.file(name)) == type)
    }
    #expect(kind(folder.file("pipe")) == S_IFIFO)
    #expect(try folder.names == before)
  }

  @Test func foldersThatTakeNothing() throws {
    let folder = try Folder()
    try folder.write(Self.old, "file")
    #expect(refusals(folder.file("none/trace.h5")) == ["its folder \(folder.file("none")): No such file or directory", "No such file or directory"])
    #expect(refusals(folder.file("file/trace.h5")) == ["Not a directory", "Not a directory"])
    for path in ["", folder.file("a\0b")] { #expect(refusals(path) == ["this names no file", "this names no file"]) }
    #expect(try folder.names == ["file"] && folder.bytes("file") == Self.old)
  }

  @Test func linksStayAndTheirTargetsAreReplaced() throws {
    let folder = try Folder()
    let manager = FileManager.default
    try manager.createDirectory(atPath: folder.file("real"), withIntermediateDirectories: false)
    try folder.write(Self.old, "real/trace.h5")
    // A link to a link, a relative one, and one to nothing yet.
    try manager.createSymbolicLink(atPath: folder.file("one"), withDestinationPath: "real/trace.h5")
    try manager.createSymbolicLink(atPath: folder.file("two"), withDestinationPath: folder.file("one"))
    try manager.createSymbolicLink(atPath: folder.file("dangling"), withDestinationPath: "real/other.h5")
    try manager.createSymbolicLink(atPath: folder.file("circle"), withDestinationPath: "circle")
    for link in ["two", "dangling"] {
      #expect(refusals(folder.file(link)) == ["accepted", "accepted"])
      #expect(kind(folder.file(link)) == S_IFLNK)
    }
    #expect(try folder.bytes("real/trace.h5") == Self.new && folder.bytes("real/other.h5") == Self.new)
    #expect(kind(folder.file("one")) == S_IFLNK && kind(folder.file("real/trace.h5")) == S_IFREG)
    #expect(!refusals(folder.file("circle")).contains("accepted"))
    #expect(try manager.contentsOfDirectory(atPath: folder.file("real")).sorted() == ["other.h5", "trace.h5"])
  }

  @Test func replacingKeepsPermissionsAndFollowsNoPlantedLink() throws {
    let folder = try Folder()
    try folder.write(Self.old, "run.yaml")
    #expect(chmod(folder.file("run.yaml"), 0o640) == 0)
    let planted = "run.yaml.\(getpid()).0.tmp"
    try folder.write(Self.old, "victim")
    try FileManager.default.createSymbolicLink(atPath: folder.file(planted), withDestinationPath: folder.file("victim"))
    try DurableFile.replace(folder.file("run.yaml"), with: Self.new)
    var status = stat()
    #expect(stat(folder.file("run.yaml"), &status) == 0 && status.st_mode & 0o777 == 0o640)
    #expect(try folder.bytes("run.yaml") == Self.new && folder.bytes("victim") == Self.old)
    #expect(try folder.names == ["run.yaml", planted, "victim"])
  }

  @Test func whatTheDeadLeftIsSwept() throws {
    let folder = try Folder()
    let dead = 2_147_483_646
    for name in ["x.\(dead).0.tmp", "x.\(getpid()).0.tmp", "y.\(dead).0.tmp", "x", "x.tmp", "x.\(dead).0", "x.-1.0.tmp"] { try folder.write(Self.old, name) }
    DurableFile.sweep(folder.path, of: ["x"])
    #expect(try folder.names == ["x", "x.-1.0.tmp", "x.\(dead).0", "x.\(getpid()).0.tmp", "x.tmp", "y.\(dead).0.tmp"].sorted())
    DurableFile.sweep(folder.file("none"), of: ["x"])
  }

  @Test func manyThreadsReplaceOneFile() async throws {
    let folder = try Folder()
    let path = folder.file("x")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for value in 0..<32 as Range<UInt8> { group.addTask { try DurableFile.replace(path, with: [UInt8](repeating: value, count: 1000)) } }
      try await group.waitForAll()
    }
    let bytes = try folder.bytes("x")
    #expect(bytes.count == 1000 && Set(bytes).count == 1)
    #expect(try folder.names == ["x"])
  }

  @Test(.timeLimit(.minutes(30))) func aPipeIsRefusedAndNotWaitedFor() throws {
    let folder = try Folder()
    #expect(mkfifo(folder.file(), 0o600) == 0)
    #expect(throws: TraceError.unreadable(path: folder.file(), reason: "it is not a regular file")) { try TraceFile.read(folder.file()) }
    #expect(throws: TraceError.self) { try Journal(folder.file(), runDigest: "run") }
    #expect(throws: TraceError.self) { try Journal.peek(folder.file(), runDigest: "run") }
  }

  @Test func onlyTheJournalPromisesToGoOn() throws {
    let folder = try Folder()
    let journal = try Journal(folder.file("journal"), runDigest: "run")
    try journal.remove()
    do {
      try journal.append(try Samples.trace().samples()[0])
      Issue.record("appended to a journal that was removed")
    } catch { #expect("\(error)".hasSuffix("everything finished before is kept, run the same command again")) }
  }
}
