package import Diffusion
internal import Foundation

/// Files that this module ships, found by an explicit search.
package enum ResourceSearch {
  /// The folder of some resources.
  ///
  /// Looked for, in this order: in the environment's UNMASK_RESOURCES, in `unmask_Workbench.resources` beside the executable, in the source tree this program
  /// was built from.
  package static func folder(_ name: String) throws(ConfigurationError) -> String {
    var places: [String] = []
    if let told = ProcessInfo.processInfo.environment["UNMASK_RESOURCES"], !told.isEmpty { places.append("\(told)/\(name)") }
    let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    places.append(executable.appending(path: "unmask_Workbench.resources/\(name)").path)
    places.append(URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Resources/\(name)").path)
    var isFolder: ObjCBool = false
    for place in places where FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) && isFolder.boolValue { return place }
    throw .unsupported("the resources `\(name)` are in none of \(places.joined(separator: ", ")); set UNMASK_RESOURCES to the folder that holds them")
  }

  /// A text file of a folder.
  static func text(_ name: String, in folder: String) throws(ConfigurationError) -> String {
    do { return try String(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"), encoding: .utf8) } catch {
      throw .unreadable(file: "\(folder)/\(name)", reason: YAML.reason(error))
    }
  }
}
