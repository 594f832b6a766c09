import Coordination
import Journal
import Recipe
import Training
import Wire

extension StepResult {
    /// The step's loss by band of timesteps, from what the workers said of each sample.
    ///
    /// Timesteps are drawn at the samples' addresses, so nobody needs to send them. Slots whose losses are not as many as
    /// the plan's samples are passed over.
    func bands(_ contribution: StepContribution, plan: TrainingPlan, recipe: Recipe) -> [TimestepBand: BandLoss] {
        var sums: [TimestepBand: (samples: Int, loss: Double)] = [:]
        for outcome in contribution.outcomes {
            let slot = plan.slot(ofRun: firstSlot + outcome.slot)
            guard let losses = outcome.sampleLosses, losses.count == slot.samples.count,
                losses.allSatisfy(\.isFinite)
            else { continue }
            let draws = NoiseDraws(recipe.objective, seed: recipe.run.seed, slot: slot)
            for (timestep, loss) in zip(draws.timesteps(), losses) {
                sums[TimestepBand(of: timestep), default: (0, 0)].samples += 1
                sums[TimestepBand(of: timestep), default: (0, 0)].loss += loss
            }
        }
        return sums.mapValues { BandLoss(samples: $0.samples, mean: $0.loss / Double($0.samples)) }
    }
}
