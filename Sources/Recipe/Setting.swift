/// One setting of a `Subject` (a recipe, a dataset, a subset): its key, what it takes, and where it goes.
///
/// The TOML reader, the command line, the resolved recipe and the help are all made from these, so that a key cannot be
/// known to one of them and unknown to another.
package struct Setting<Subject>: Sendable {
    package typealias Assign = @Sendable (SettingValue, SettingPlace, inout Subject) throws(RecipeError) -> String?

    /// kohya's name for it, and the flag's.
    package let key: String
    /// Other names that kohya has for it.
    package var aliases: [String] = []
    package let shape: SettingShape
    /// One sentence, without its full stop.
    package let help: String
    /// False for names, places and habits that leave the result as it is.
    package var decidesResult = true
    /// A value that a run's name leaves out: what every run did before there was the choice.
    var unnamed: SettingValue?
    /// Sets it, and may answer with a note for the user.
    let assign: Assign
    /// Its value in a subject; nil where there is none.
    let value: @Sendable (Subject) -> SettingValue?

    /// The same setting, leaving the result as it is.
    var besideTheResult: Self {
        var setting = self
        setting.decidesResult = false
        return setting
    }

    /// The same setting, which a run's name leaves out where it has this value.
    func unnamed(_ value: SettingValue) -> Self {
        var setting = self
        setting.unnamed = value
        return setting
    }

    func also(_ aliases: String...) -> Self {
        var setting = self
        setting.aliases = aliases
        return setting
    }

    /// The same setting of a whole that has a `Subject` at `path`.
    func lifted<Whole>(_ path: any WritableKeyPath<Whole, Subject> & Sendable) -> Setting<Whole> {
        Setting<Whole>(
            key: key, aliases: aliases, shape: shape, help: help, decidesResult: decidesResult, unnamed: unnamed,
            assign: { (value, place, whole) throws(RecipeError) in try assign(value, place, &whole[keyPath: path]) },
            value: { value($0[keyPath: path]) })
    }
}

extension Setting {
    typealias Path<Value> = any WritableKeyPath<Subject, Value> & Sendable

    static func flag(_ key: String, _ path: Path<Bool>, _ help: String) -> Self {
        Setting(
            key: key, shape: .flag, help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                subject[keyPath: path] = try value.flag(at: place)
                return nil
            },
            value: { .flag($0[keyPath: path]) })
    }

    /// A flag that is set where `path` is false.
    static func flag(_ key: String, not path: Path<Bool>, _ help: String) -> Self {
        Setting(
            key: key, shape: .flag, help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                subject[keyPath: path] = try !value.flag(at: place)
                return nil
            },
            value: { .flag(!$0[keyPath: path]) })
    }

    static func whole(_ key: String, _ path: Path<Int>, in range: ClosedRange<Int>, _ help: String) -> Self {
        Setting(
            key: key, shape: .whole(range), help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                subject[keyPath: path] = try value.whole(at: place, in: range)
                return nil
            },
            value: { .whole($0[keyPath: path]) })
    }

    /// A whole number that may be absent.
    ///
    /// - Parameter zeroIsNone: 0 is taken as absent, as forms write it.
    static func whole(
        _ key: String, optional path: Path<Int?>, in range: ClosedRange<Int>, zeroIsNone: Bool = false, _ help: String
    ) -> Self {
        Setting(
            key: key, shape: .whole(range), help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                subject[keyPath: path] =
                    zeroIsNone && value == .whole(0) ? nil : try value.whole(at: place, in: range)
                return nil
            },
            value: { $0[keyPath: path].map(SettingValue.whole) })
    }

    static func number(_ key: String, _ path: Path<Double>, in range: ClosedRange<Double>, _ help: String) -> Self {
        Setting(
            key: key, shape: .number(range), help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                subject[keyPath: path] = try value.number(at: place, in: range)
                return nil
            },
            value: { .number($0[keyPath: path]) })
    }

    /// A number that may be absent.
    ///
    /// - Parameter zeroIsNone: 0 is taken as absent, as forms write it.
    static func number(
        _ key: String, optional path: Path<Double?>, in range: ClosedRange<Double>, zeroIsNone: Bool = false,
        _ help: String
    ) -> Self {
        Setting(
            key: key, shape: .number(range), help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                let number = try value.number(at: place, in: range)
                subject[keyPath: path] = zeroIsNone && number == 0 ? nil : number
                return nil
            },
            value: { $0[keyPath: path].map(SettingValue.number) })
    }

    static func text(_ key: String, _ path: Path<String>, named name: String = "TEXT", _ help: String) -> Self {
        Setting(
            key: key, shape: .text(name), help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                let text = try value.text(at: place)
                guard !text.isEmpty else { throw .notAllowed(place, value: value, allowed: "text that is not empty") }
                subject[keyPath: path] = text
                return nil
            },
            value: { .text($0[keyPath: path]) })
    }

    /// Text that may be absent, and is so when it is empty.
    static func text(_ key: String, optional path: Path<String?>, named name: String = "TEXT", _ help: String) -> Self {
        Setting(
            key: key, shape: .text(name), help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                let text = try value.text(at: place)
                subject[keyPath: path] = text.isEmpty ? nil : text
                return nil
            },
            value: { $0[keyPath: path].map(SettingValue.text) })
    }

    static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ key: String, _ path: Path<Choice>, _ help: String
    ) -> Self {
        Setting(
            key: key, shape: .choice(Choice.allCases.map(\.rawValue)), help: help,
            assign: { (value, place, subject) throws(RecipeError) in
                subject[keyPath: path] = try value.choice(Choice.self, at: place)
                return nil
            },
            value: { .text($0[keyPath: path].rawValue) })
    }
}
