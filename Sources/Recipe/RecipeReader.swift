/// Reads a recipe: TOML with kohya's keys, then the command line over it.
package enum RecipeReader {
    /// The recipe that `file` and `arguments` describe, and notes on what they say in vain.
    ///
    /// A kohya `--config_file` is accepted as it is: flat keys or any sections. A list of `[[datasets]]` may stand in
    /// the file itself or in the file that `dataset_config` names (TOML or JSON). Relative paths are the current
    /// folder's, as with kohya.
    ///
    /// - Parameters:
    ///   - file: a TOML file, or nil when the command line says all (perhaps with `--config_file`).
    ///   - arguments: the words of the command line that are settings; see ``CommandLineSettings/split(_:)``.
    package static func read(
        file: String?, arguments: [String] = []
    ) throws(RecipeError) -> (recipe: Recipe, notes: [String]) {
        var draft = RecipeDraft()
        var file = file
        for setting in try CommandLineSettings.read(arguments) {
            if setting.key == "config_file" {
                guard file == nil else {
                    throw .contradiction(
                        keys: ["config_file"], sentence: "A recipe file and --config_file are both given; keep one.")
                }
                file = try setting.value.text(at: setting.place)
            } else {
                draft.overrule(setting.key, setting.value, setting.place)
            }
        }
        if let file { try draft.add(SettingsFile(path: file)) }
        return try draft.finished()
    }

    /// The recipe that `text` describes.
    ///
    /// - Parameter name: what messages call the text.
    package static func read(toml text: String, name: String = "recipe.toml") throws(RecipeError) -> Recipe {
        var draft = RecipeDraft()
        try draft.add(SettingsFile.toml(text, file: name), from: .file(name))
        return try draft.finished().recipe
    }
}
