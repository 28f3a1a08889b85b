/// A checkpoint's own chat template: what makes one text of a conversation.
///
/// Templates are written in Jinja, and this understands the part of it that those of the supported families use, with the settings of the `transformers`
/// library (`trim_blocks`, `lstrip_blocks`): output, `if`, `for` with `else`, `set` with `namespace`, comments, white space control; literals, arithmetic,
/// comparisons, slices, conditional expressions; the filters, tests, methods and functions named in `TemplateFilter`, `TemplateTest`, `TemplateMethod` and
/// `TemplateFunction`. Anything else is refused when the template is read, also where no conversation would come by it.
public struct ChatTemplate: Sendable {
  /// One turn.
  public struct Message: Sendable, Hashable {
    /// `system`, `user` or `assistant`.
    public let role: String
    /// What was said.
    public let content: String

    /// A turn.
    public init(role: String, content: String) { (self.role, self.content) = (role, content) }
  }

  /// The first 16 hexadecimal digits of the SHA-256 of the template and the tokens it is given.
  public let digest: String
  private let body: [TemplateNode]
  private let tokens: [(String, TemplateValue)]

  /// Reads a template.
  ///
  /// - Parameter tokens: the values of `bos_token` and the like.
  public init(_ source: String, tokens: [String: String] = [:]) throws(ChatError) {
    guard source.utf8.count <= Self.limit else { throw .unreadable("the template is longer than \(Self.limit >> 10) KiB") }
    var parser = TemplateParser(try TemplateLexer(source).pieces)
    body = try parser.template()
    let sorted = tokens.sorted { $0.key < $1.key }
    self.tokens = sorted.map { ($0.key, .text($0.value)) }
    var hash = SHA256()
    hash.update(source.utf8)
    for (name, token) in sorted { hash.update("\n\(name) \(token)".utf8) }
    digest = String(hash.hexadecimal().prefix(16))
  }

  /// The template of a checkpoint: `chat_template.jinja`, or the key `chat_template` of `tokenizer_config.json`.
  public init(directory: String) throws(ChatError) {
    let config = directory + "/tokenizer_config.json"
    let (separate, hasConfig) = (directory + "/chat_template.jinja", MappedFile.exists(config))
    var tokens: [String: String] = [:]
    var source: String?
    if hasConfig {
      let bytes = try Self.read(config)
      let document: JSONDocument
      do throws(JSONFault) { document = try JSONDocument(bytes) } catch { throw .unreadable("\(config): \(error)") }
      for name in ["bos_token", "eos_token", "pad_token", "unk_token"] {
        guard let value = document.member(name, of: document.root) else { continue }
        // A token is a text, or an object with its text and how it is matched.
        let member = document.member("content", of: value) ?? value
        if case .string(let text) = member { tokens[name] = document.string(text) }
      }
      source = try Self.source(document, config)
    }
    if MappedFile.exists(separate) { source = String(decoding: try Self.read(separate), as: UTF8.self) }
    guard let source else {
      throw .missing("\(directory) has no chat template: neither chat_template.jinja nor `chat_template` in tokenizer_config.json; use prompts as they are")
    }
    do throws(ChatError) { try self.init(source, tokens: tokens) } catch { throw error.of(directory) }
  }

  private static let limit = 256 << 10

  private static func source(_ document: JSONDocument, _ path: String) throws(ChatError) -> String? {
    switch document.member("chat_template", of: document.root) {
    case nil: return nil
    case .string(let text): return document.string(text)
    case .array(let items):
      // Several by name; the one called default is for conversations.
      for item in items {
        guard case .string(let name)? = document.member("name", of: item), document.string(name) == "default" else { continue }
        if case .string(let text)? = document.member("template", of: item) { return document.string(text) }
      }
      throw .unreadable("\(path): `chat_template` lists no template named `default`")
    case let other?: throw .unreadable("\(path): `chat_template` is \(document.kind(other)); expected a text")
    }
  }

  private static func read(_ path: String) throws(ChatError) -> [UInt8] {
    do throws(TokenizerError) { return try TokenizerFile.read(path) } catch { throw .unreadable("\(error)") }
  }

  /// The text of a conversation.
  ///
  /// - Parameter isAnswered: whether it ends where an assistant is to go on.
  public func render(_ messages: [Message], isAnswered: Bool = true) throws(ChatError) -> String {
    let turns = messages.map { TemplateValue.map([("role", .text($0.role)), ("content", .text($0.content))]) }
    var renderer = TemplateRenderer(
      [("messages", .list(turns)), ("add_generation_prompt", .bool(isAnswered)), ("tools", .none), ("documents", .none)] + tokens)
    return try renderer.run(body)
  }
}

/// Why a conversation has no text.
public enum ChatError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The checkpoint brings no template.
  case missing(String)
  /// The file is none.
  case unreadable(String)
  /// Something that this reader of templates does not know.
  case unknown(what: String, line: Int)
  /// A mistake in the template.
  case syntax(String, line: Int)
  /// Something that has no value, while a conversation is put through it.
  case value(String)
  /// The template itself refuses the conversation.
  case raised(String)
  /// The same, of a directory's template.
  indirect case located(ChatError, directory: String)

  func of(_ directory: String) -> ChatError { .located(self, directory: directory) }

  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .missing(let reason), .unreadable(let reason): reason
    case .unknown(let what, let line): "the chat template uses \(what), line \(line), which is not understood here; use prompts as they are"
    case .syntax(let reason, let line): "the chat template is damaged, line \(line): \(reason)"
    case .value(let reason): "the chat template cannot be filled in: \(reason)"
    case .raised(let reason): "the chat template refuses the conversation: \(reason)"
    case .located(let error, let directory): "\(directory): \(error)"
    }
  }
}
