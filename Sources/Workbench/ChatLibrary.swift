package import Diffusion
package import Models

/// Chat templates of models, their errors turned into configuration errors.
package enum ChatLibrary {
  /// The template that a model's checkpoint brings.
  package static func template(of model: LoadedModel) throws(ConfigurationError) -> ChatTemplate {
    do { return try ChatTemplate(directory: model.directory) } catch { throw .unsupported("\(error)") }
  }

  /// A prompt as the one turn of a user, to where the assistant goes on; the prompt itself without a template.
  package static func text(_ prompt: String, _ template: ChatTemplate?) throws(ConfigurationError) -> String {
    guard let template else { return prompt }
    do { return try template.render([ChatTemplate.Message(role: "user", content: prompt)]) } catch { throw .unsupported("\(error)") }
  }
}
