/// A list of `key=value` texts, as `optimizer_args` and `network_args` are.
struct KeyedArguments {
    private(set) var values: [(key: String, text: String)] = []
    let place: SettingPlace

    /// - Parameter value: a list of texts, or one text with the pairs parted by spaces.
    init(_ value: SettingValue, at place: SettingPlace) throws(RecipeError) {
        self.place = place
        let expected = SettingShape.list("key=value").allowed
        let elements: [SettingValue] =
            switch value {
            case .list(let elements): elements
            case .text(let text) where text.isEmpty || text.lowercased() == "none": []
            case .text: [value]
            default: throw .wrongType(place, value: value, expected: expected)
            }
        for element in elements {
            guard case .text(let text) = element else { throw .wrongType(place, value: value, expected: expected) }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw .notAllowed(place, value: element, allowed: "written key=value")
            }
            values.append((parts[0].filter { $0 != " " }, parts[1].filter { !" \"'".contains($0) }))
        }
    }

    /// The place of one of the pairs: `optimizer_args.betas`.
    func place(of key: String) -> SettingPlace { SettingPlace(place.source, "\(place.key).\(key)") }

    /// The numbers in `text`: `0.9,0.99`, `(0.9, 0.99)` and `[0.9, 0.99]` are two.
    func numbers(
        _ key: String, _ text: String, count: Int, in range: ClosedRange<Double>
    ) throws(RecipeError) -> [Double] {
        let allowed =
            count == 1
            ? SettingShape.number(range).allowed
            : "\(count) numbers in \(range.lowerBound.short)...\(range.upperBound.short)"
        var numbers: [Double] = []
        for part in text.filter({ !"()[]".contains($0) }).split(separator: ",") {
            guard let number = Double(part) else {
                throw .wrongType(place(of: key), value: .text(text), expected: allowed)
            }
            guard range.contains(number) else {
                throw .notAllowed(place(of: key), value: .text(text), allowed: allowed)
            }
            numbers.append(number)
        }
        guard numbers.count == count else {
            throw .wrongType(place(of: key), value: .text(text), expected: allowed)
        }
        return numbers
    }

    func flag(_ key: String, _ text: String) throws(RecipeError) -> Bool {
        try SettingShape.flag.value(ofArgument: text).flag(at: place(of: key))
    }
}

extension Optimizer {
    /// What `optimizer_args` may say to this kind of optimizer.
    private static func argumentKeys(_ kind: Kind) -> [String] {
        switch kind {
        case .adamW: ["betas", "eps", "weight_decay"]
        case .sgd: ["momentum", "nesterov", "weight_decay"]
        }
    }
    /// torch's speed switches, which leave the result as it is.
    private static let speedKeys: Set = ["foreach", "fused", "capturable", "differentiable", "is_paged", "block_wise"]

    mutating func apply(arguments value: SettingValue, at place: SettingPlace) throws(RecipeError) -> String? {
        let arguments = try KeyedArguments(value, at: place)
        var ignored: [String] = []
        for (key, text) in arguments.values {
            switch (key, kind) {
            case ("betas", .adamW):
                let betas = try arguments.numbers(key, text, count: 2, in: 0...0.999_999_999)
                (beta1, beta2) = (betas[0], betas[1])
            case ("eps", .adamW): epsilon = try arguments.numbers(key, text, count: 1, in: 1e-30...1)[0]
            case ("weight_decay", _): weightDecay = try arguments.numbers(key, text, count: 1, in: 0...10)[0]
            case ("momentum", .sgd): momentum = try arguments.numbers(key, text, count: 1, in: 0...0.999_999_999)[0]
            case ("nesterov", .sgd): nesterov = try arguments.flag(key, text)
            case _ where Self.speedKeys.contains(key): ignored.append(key)
            case ("amsgrad", _), ("maximize", _), ("dampening", _):
                guard ["false", "0", "0.0"].contains(text.lowercased()) else {
                    throw .unsupported(
                        arguments.place(of: key), value: .text(text), reason: "Danlu's \(kind.rawValue) goes without it"
                    )
                }
            default:
                let keys = Self.argumentKeys(kind)
                throw .notAllowed(
                    place, value: .text("\(key)=\(text)"),
                    allowed: "of \(kind.rawValue): one of \(keys.joined(separator: ", "))",
                    suggestion: Suggestion.nearest(to: key, in: keys))
            }
        }
        return ignored.isEmpty
            ? nil : "\(place): \(ignored.joined(separator: ", ")) changes speed alone and has no effect here."
    }

    /// What `optimizer_args` would say this.
    var arguments: SettingValue {
        switch kind {
        case .adamW:
            .list([.text("betas=\(beta1),\(beta2)"), .text("eps=\(epsilon)"), .text("weight_decay=\(weightDecay)")])
        case .sgd:
            .list([
                .text("momentum=\(momentum)"), .text("nesterov=\(nesterov)"), .text("weight_decay=\(weightDecay)"),
            ])
        }
    }

    /// kohya's names of optimizers, and what becomes of each here.
    mutating func apply(type value: SettingValue, at place: SettingPlace) throws(RecipeError) -> String? {
        let kinds = Kind.allCases.map(\.rawValue)
        switch try value.text(at: place).lowercased() {
        case "", "adamw", "torch.optim.adamw":
            kind = .adamW
        case "adamw8bit", "pagedadamw", "pagedadamw8bit", "pagedadamw32bit":
            kind = .adamW
            return "\(place) = \(value) runs as AdamW: a LoRA's moments are small, and fp32 keeps runs exact."
        case "sgd", "torch.optim.sgd":
            kind = .sgd
            weightDecay = 0
        case "sgdnesterov", "sgdnesterov8bit":
            kind = .sgd
            weightDecay = 0
            (momentum, nesterov) = (0.9, true)
        case let other:
            throw .notAllowed(
                place, value: value,
                allowed: SettingShape.choice(kinds + ["AdamW8bit (as AdamW)", "SGDNesterov"]).allowed,
                suggestion: Suggestion.nearest(to: other, in: kinds))
        }
        return nil
    }
}

extension Recipe {
    /// `network_args`: LoRA+ is what Danlu takes of it.
    mutating func apply(networkArguments value: SettingValue, at place: SettingPlace) throws(RecipeError) -> String? {
        let arguments = try KeyedArguments(value, at: place)
        for (key, text) in arguments.values {
            switch key {
            case "loraplus_lr_ratio":
                let ratio = try arguments.numbers(key, text, count: 1, in: 0...10_000)[0]
                optimizer.loraPlusRatio = ratio == 0 ? nil : ratio
            case "verbose": break
            case "dropout", "rank_dropout", "module_dropout", "conv_dim", "conv_alpha":
                guard ["0", "0.0", "none", "null"].contains(text.lowercased()) else {
                    throw .unsupported(
                        arguments.place(of: key), value: .text(text),
                        reason:
                            "it would change the result, and Danlu trains LoRA on kohya's default layers without dropout"
                    )
                }
            default:
                throw .notAllowed(
                    place, value: .text("\(key)=\(text)"), allowed: "loraplus_lr_ratio=X, all that Danlu takes here",
                    suggestion: Suggestion.nearest(to: key, in: ["loraplus_lr_ratio"]))
            }
        }
        return nil
    }

    var networkArguments: SettingValue? {
        optimizer.loraPlusRatio.map { .list([.text("loraplus_lr_ratio=\($0)")]) }
    }
}
