import Recipe
import Safetensors
import Testing
import Torch
import Training

@Suite struct `An optimizer` {
    /// Fixture name, and what it was made with.
    static let cases: [(name: String, optimizer: Optimizer)] = {
        var tuned = Optimizer()
        (tuned.beta1, tuned.beta2, tuned.epsilon, tuned.weightDecay) = (0.8, 0.95, 1e-6, 0.1)
        var plain = Optimizer()
        (plain.kind, plain.weightDecay) = (.sgd, 0)
        var momentum = Optimizer()
        (momentum.kind, momentum.weightDecay, momentum.momentum) = (.sgd, 0.01, 0.9)
        var nesterov = Optimizer()
        (nesterov.kind, nesterov.weightDecay, nesterov.momentum, nesterov.nesterov) = (.sgd, 0, 0.9, true)
        return [
            ("adamw", Optimizer()), ("adamw_tuned", tuned), ("sgd", plain), ("sgd_momentum", momentum),
            ("sgd_nesterov", nesterov),
        ]
    }()

    @Test(arguments: cases.indices)
    func `takes the steps that PyTorch's takes, clipping included`(index: Int) throws {
        let (name, optimizer) = Self.cases[index]
        let file = try Fixtures.open("optimizers.safetensors")
        let names = ["first.a", "first.b", "second.c"]
        func flat(_ prefix: String) throws -> [Float] { try names.flatMap { try file.floats("\(prefix).\($0)") } }
        let counts = try names.map { try file.entry("before.\($0)").shape.reduce(1, *) }
        let boundary = counts[0] + counts[1]
        let total = boundary + counts[2]

        var recipe = Recipe()
        recipe.optimizer = optimizer
        let update = OptimizerUpdate(
            optimizer, scaling: try BatchScaling(recipe: recipe),
            ranges: [
                ParameterRange(group: .textEncoder, range: 0..<boundary),
                ParameterRange(group: .unet, range: boundary..<total),
            ])
        let weights = try Tensor.of(flat("before"), shape: [total])
        let moments = (try Tensor.zeros([total]), try Tensor.zeros([total]))
        for step in 0..<5 {
            let gradient = try Tensor.of(flat("gradient.\(step)"), shape: [total])
            let norm = try clip(gradient, to: 2)
            #expect(abs(norm - Double(try file.floats("gradient_norm.\(step)")[0])) < 1e-5 * norm)
            try update.apply(
                to: weights, gradient: gradient, moments: moments, update: step + 1,
                rates: [.textEncoder: 1e-2, .unet: 3e-3])
            #expect(try relativeError(weights.floats(), flat("\(name).\(step)")) < 1e-6)
        }
    }

    @Test func `leaves a group without a learning rate as it is`() throws {
        var recipe = Recipe()
        recipe.optimizer.weightDecay = 0.5
        let update = OptimizerUpdate(
            recipe.optimizer, scaling: try BatchScaling(recipe: recipe),
            ranges: [ParameterRange(group: .unet, range: 0..<2), ParameterRange(group: .textEncoder, range: 2..<4)])
        let weights = try Tensor.of([1, 1, 1, 1], shape: [4])
        let gradient = try Tensor.of([1, 1, 1, 1], shape: [4])
        let moments = (try Tensor.zeros([4]), try Tensor.zeros([4]))
        try update.apply(to: weights, gradient: gradient, moments: moments, update: 1, rates: [.unet: 0.1])
        let after = try weights.floats()
        #expect(after[0] < 1 && after[2] == 1 && after[3] == 1)
    }

    @Test func `clips nothing at a limit of zero`() throws {
        let gradient = try Tensor.of([30, 40], shape: [2])
        #expect(try clip(gradient, to: 0) == 50)
        #expect(try gradient.floats() == [30, 40])
        #expect(try clip(gradient, to: 5) == 50)
        #expect(try relativeError(gradient.floats(), [3, 4]) < 1e-6)
    }
}
