/// Settings gathered from everywhere, before they become a recipe.
struct RecipeDraft {
    private struct Given {
        let value: SettingValue
        let place: SettingPlace
    }
    /// By the key itself, never an alias.
    private var given: [String: Given] = [:]
    private var datasets: (list: SettingValue, general: [String: SettingValue], source: SettingPlace.Source)?
    private var notes: [String] = []
    private var ineffective: [(place: SettingPlace, reason: String)] = []

    private static func key(_ name: String) -> String { SettingTable.byKey[name]?.key ?? name }

    /// Takes a setting of the command line; the last of a kind counts, as with argparse.
    mutating func overrule(_ name: String, _ value: SettingValue, _ place: SettingPlace) {
        given[Self.key(name)] = Given(value: value, place: place)
    }

    mutating func add(_ file: SettingsFile) throws(RecipeError) {
        try add(file.values, from: .file(file.name))
    }

    /// Takes the settings of a file, flattened; what the command line said stays.
    mutating func add(_ values: [String: SettingValue], from source: SettingPlace.Source) throws(RecipeError) {
        var values = values
        var general: [String: SettingValue] = [:]
        if let list = values.removeValue(forKey: "datasets") {
            if case .table(let table)? = values["general"] {
                general = table.filter { DatasetSettings.knows($0.key) }
                values["general"] = .table(table.filter { !DatasetSettings.knows($0.key) })
            }
            datasets = (list, general, source)
        }
        var seen: [String: String] = [:]
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            if case .table(let section) = value, !SettingNames.isKnown(name) {
                for (key, value) in section.sorted(by: { $0.key < $1.key }) {
                    try add(key, value, SettingPlace(source, "\(name).\(key)"), seen: &seen)
                }
            } else {
                try add(name, value, SettingPlace(source, name), seen: &seen)
            }
        }
    }

    private mutating func add(
        _ name: String, _ value: SettingValue, _ place: SettingPlace, seen: inout [String: String]
    ) throws(RecipeError) {
        guard SettingNames.isKnown(name) else {
            throw .unknown(place, suggestion: SettingNames.suggestion(for: name))
        }
        let key = Self.key(name)
        if let also = seen.updateValue(place.key, forKey: key) { throw .twice(place, also: also) }
        if given[key] == nil { given[key] = Given(value: value, place: place) }
    }

    /// Sets everything in the table's order, expands the datasets and checks the whole.
    mutating func finished() throws(RecipeError) -> (recipe: Recipe, notes: [String]) {
        var recipe = Recipe()
        for setting in SettingTable.all {
            guard let given = given[setting.key] else { continue }
            if let note = try setting.assign(given.value, given.place, &recipe) { notes.append(note) }
        }
        for (key, given) in given.sorted(by: { $0.key < $1.key }) {
            if let reason = try UnsupportedSetting.byKey[key]?.reason(given.value, at: given.place) {
                ineffective.append((given.place, reason))
            }
        }
        if let file = given["config_file"] {
            notes.append("\(file.place) has no effect: a recipe does not read another.")
        }
        try readDatasets(into: &recipe)
        notes += UnsupportedSetting.notes(ineffective)
        notes += try recipe.settle(given: Set(given.keys))
        return (recipe, notes)
    }

    private mutating func readDatasets(into recipe: inout Recipe) throws(RecipeError) {
        if let config = given["dataset_config"] {
            guard datasets == nil else { throw .twice(config.place, also: "[[datasets]]") }
            let file = try SettingsFile(path: try config.value.text(at: config.place))
            var values = file.values
            let list = values.removeValue(forKey: "datasets")
            let general = values.removeValue(forKey: "general")
            if let key = values.keys.min() {
                throw .unknown(
                    SettingPlace(.file(file.name), key),
                    suggestion: Suggestion.nearest(to: key, in: ["datasets", "general"]))
            }
            guard let list else {
                throw .missing(key: "datasets", why: "\(file.name) lists no [[datasets]]")
            }
            guard case .table(let table) = general ?? .table([:]) else {
                throw .wrongType(
                    SettingPlace(.file(file.name), "general"), value: general ?? .table([:]), expected: "a table")
            }
            datasets = (list, table, .file(file.name))
        }
        guard let datasets else { return }
        var settings = DatasetSettings(source: datasets.source)
        recipe.data.datasets = try settings.datasets(
            datasets.list, general: datasets.general, defaults: recipe.data)
        notes += settings.notes
        ineffective += settings.ineffective
        for key in settings.keys.sorted() {
            if let overruled = given[key], overruled.place.source == .commandLine {
                notes.append("\(overruled.place) is only a default: the list of datasets says \(key) itself.")
            }
        }
        if recipe.data.trainDataDirectory != nil || recipe.data.regDataDirectory != nil {
            notes.append("train_data_dir and reg_data_dir have no effect: [[datasets]] says where the pictures are.")
            recipe.data.trainDataDirectory = nil
            recipe.data.regDataDirectory = nil
        }
    }
}
