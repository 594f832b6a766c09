/// kohya's list of datasets: `[general]` → `[[datasets]]` → `[[datasets.subsets]]`, each the default of the next.
///
/// The order of search is `CU.BlueprintGenerator`'s: what a subset says, or its dataset, or `[general]`, or the recipe's
/// own keys.
struct DatasetSettings {
    private let source: SettingPlace.Source
    private(set) var notes: [String] = []
    private(set) var ineffective: [(place: SettingPlace, reason: String)] = []
    /// Keys that a dataset file said something about, by which a flag of that name is overruled.
    private(set) var keys: Set<String> = []

    /// - Parameter source: where the tables were read.
    init(source: SettingPlace.Source) {
        self.source = source
    }

    /// The datasets of `list`.
    ///
    /// - Parameters:
    ///   - list: the value of `datasets`.
    ///   - general: what `[general]` says.
    ///   - defaults: what the recipe says of every dataset and subset.
    mutating func datasets(
        _ list: SettingValue, general: [String: SettingValue], defaults: TrainingData
    ) throws(RecipeError) -> [TrainingData.Dataset] {
        var scope = Scope(dataset: defaults.datasetDefaults, subset: defaults.subsetDefaults)
        try apply(general, to: &scope, at: "general")
        var datasets: [TrainingData.Dataset] = []
        for (index, values) in try tables(list, key: "datasets").enumerated() {
            var values = values
            var scope = scope
            let way = "datasets[\(index)]"
            let subsets = values.removeValue(forKey: "subsets") ?? .list([])
            try apply(values, to: &scope, at: way)
            for (number, values) in try tables(subsets, key: "\(way).subsets").enumerated() {
                var own = Scope(dataset: scope.dataset, subset: scope.subset, isSubset: true)
                try apply(values, to: &own, at: "\(way).subsets[\(number)]")
                guard !own.subset.imageDirectory.isEmpty else {
                    throw .missing(key: "\(way).subsets[\(number)].image_dir", why: "a subset is a folder of pictures")
                }
                scope.dataset.subsets.append(own.subset)
            }
            guard !scope.dataset.subsets.isEmpty else {
                throw .missing(
                    key: "\(way).subsets", why: "a dataset needs at least one [[datasets.subsets]] with image_dir")
            }
            datasets.append(scope.dataset)
        }
        guard !datasets.isEmpty else { throw .missing(key: "datasets", why: "the list of datasets is empty") }
        return datasets
    }

    /// True for a key that a dataset or a subset may have.
    static func knows(_ key: String) -> Bool { datasetByKey[key] != nil || subsetByKey[key] != nil }

    private struct Scope {
        var dataset: TrainingData.Dataset
        var subset: TrainingData.Subset
        var isSubset = false
    }

    private static let datasetByKey = Dictionary(
        uniqueKeysWithValues: SettingTable.dataset.flatMap { s in ([s.key] + s.aliases).map { ($0, s) } })
    private static let subsetByKey = Dictionary(
        uniqueKeysWithValues: SettingTable.subset.flatMap { s in ([s.key] + s.aliases).map { ($0, s) } })

    private func tables(_ value: SettingValue, key: String) throws(RecipeError) -> [[String: SettingValue]] {
        let place = SettingPlace(source, key)
        guard case .list(let elements) = value else {
            throw .wrongType(
                place, value: value,
                expected: "a list of tables, written [[\(key.filter { !"[]0123456789".contains($0) })]]")
        }
        var tables: [[String: SettingValue]] = []
        for element in elements {
            guard case .table(let table) = element else {
                throw .wrongType(place, value: element, expected: "a list of tables")
            }
            tables.append(table)
        }
        return tables
    }

    private mutating func apply(
        _ values: [String: SettingValue], to scope: inout Scope, at way: String
    ) throws(RecipeError) {
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            let place = SettingPlace(source, "\(way).\(key)")
            if let setting = Self.subsetByKey[key] {
                keys.insert(setting.key)
                if let note = try setting.assign(value, place, &scope.subset) { notes.append(note) }
            } else if let setting = Self.datasetByKey[key], !scope.isSubset {
                keys.insert(setting.key)
                if let note = try setting.assign(value, place, &scope.dataset) { notes.append(note) }
            } else if let unsupported = UnsupportedSetting.byKey[key] {
                if let reason = try unsupported.reason(value, at: place) { ineffective.append((place, reason)) }
            } else {
                let known = Set(Self.subsetByKey.keys).union(scope.isSubset ? [] : Set(Self.datasetByKey.keys))
                throw .unknown(place, suggestion: SettingNames.suggestion(for: key, among: known))
            }
        }
    }
}
