package import Torch

/// Where a model's tensors come from, by their full names.
package protocol TensorSource: AnyObject {
    /// What messages call this source: a file or folder.
    var name: String { get }
    /// nil when there is no such tensor. Known without reading it.
    func shape(of tensor: String) -> [Int]?
    /// The tensor in the format and on the device that the model computes in; made anew each time.
    func tensor(_ name: String) throws -> Tensor
}

/// What is trained beside a frozen model, and where.
package protocol AdaptationPlan: AnyObject {
    /// - Parameters:
    ///   - path: the layer's place in the tree of names, `down_blocks.0.attentions.0.proj_in`.
    ///   - shape: its weight's: `[outputs, inputs]`, or `[outputs, inputs, kernel, kernel]`.
    /// - Returns: nil for a layer that stays as it is.
    func adaptation(at path: String, shape: [Int]) throws -> (any Adaptation)?
}

/// A model's tensors, seen from one place in its tree of names.
///
/// `weights / "down_blocks" / "0"` steps into a block, as the names in a checkpoint do. Layers ask for their tensors,
/// and for what a run trains beside them, by their place; the model does not know that it is adapted.
package struct Weights {
    package let source: any TensorSource
    /// The place, without a trailing dot; empty at the root.
    package let path: String
    private let plan: (any AdaptationPlan)?
    private let room: MemoryRoom

    /// - Parameter room: for layouts of the frozen weights beside the ones that are at hand; changes no bits.
    package init(
        _ source: any TensorSource, adaptedBy plan: (any AdaptationPlan)? = nil, room: MemoryRoom = .ofThisBox
    ) {
        self.init(source: source, path: "", plan: plan, room: room)
    }

    private init(source: any TensorSource, path: String, plan: (any AdaptationPlan)?, room: MemoryRoom) {
        self.source = source
        self.path = path
        self.plan = plan
        self.room = room
    }

    package static func / (parent: Weights, name: String) -> Weights {
        Weights(source: parent.source, path: parent.name(of: name), plan: parent.plan, room: parent.room)
    }

    package static func / (parent: Weights, index: Int) -> Weights { parent / String(index) }

    private func name(of tensor: String) -> String { path.isEmpty ? tensor : path + "." + tensor }

    package func contains(_ tensor: String) -> Bool { source.shape(of: name(of: tensor)) != nil }

    /// - Parameter shape: what the model's configuration asks for; -1 leaves an extent open.
    package func tensor(_ tensor: String, shape: [Int]? = nil) throws -> Tensor {
        try source.tensor(checked(tensor, shape: shape))
    }

    /// A weight, checked now and read when it is first used.
    ///
    /// - Parameter reshaped: the shape that its layer computes with, where that is another than the stored one.
    package func frozen(_ tensor: String, shape: [Int], as reshaped: [Int]? = nil) throws -> FrozenWeight {
        let name = try checked(tensor, shape: shape)
        let wanted = reshaped ?? shape
        return FrozenWeight(shape: wanted, hasRoom: room.has) { [source] in
            let tensor = try source.tensor(name)
            return tensor.shape == wanted ? tensor : try tensor.reshaped(wanted)
        }
    }

    private func checked(_ tensor: String, shape: [Int]?) throws(WeightsError) -> String {
        let name = name(of: tensor)
        guard let found = source.shape(of: name) else {
            throw .missing(tensor: name, source: source.name)
        }
        if let shape, found.count != shape.count || zip(found, shape).contains(where: { $1 != -1 && $0 != $1 }) {
            throw .shape(tensor: name, found: found, wanted: shape, source: source.name)
        }
        return name
    }

    /// What is trained beside the layer at this place.
    package func adaptation(shape: [Int]) throws -> (any Adaptation)? {
        try plan?.adaptation(at: path, shape: shape)
    }
}

/// A checkpoint that does not hold what its configuration promises.
package enum WeightsError: Error, Equatable, CustomStringConvertible {
    case missing(tensor: String, source: String)
    case shape(tensor: String, found: [Int], wanted: [Int], source: String)

    package var description: String {
        func text(_ shape: [Int]) -> String {
            "[" + shape.map { $0 == -1 ? "any" : String($0) }.joined(separator: ", ") + "]"
        }
        switch self {
        case .missing(let tensor, let source):
            return
                "\(source): the tensor '\(tensor)' is missing; the file is incomplete or belongs to another kind of model"
        case .shape(let tensor, let found, let wanted, let source):
            return
                "\(source): the tensor '\(tensor)' has shape \(text(found)), but the model's configuration asks for \(text(wanted))"
        }
    }
}
