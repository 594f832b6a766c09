package import Recipe

extension TrainingData {
    /// The same data with every folder listed: `train_data_dir` and `reg_data_dir` become one dataset of subsets.
    ///
    /// What lists its datasets already comes back as it is.
    ///
    /// - Returns: the data, and notes on what was passed over.
    /// - Throws: ``DatasetError`` where a folder cannot be opened or nothing is there to train on.
    package func withFoldersListed() throws(DatasetError) -> (data: TrainingData, notes: [String]) {
        guard datasets.isEmpty else { return (self, []) }
        guard let trainDataDirectory else { throw .noTrainingPictures }
        var (subsets, notes) = try FolderScan.subsets(
            in: trainDataDirectory, isRegularization: false, defaults: subsetDefaults)
        if let regDataDirectory {
            let regularization = try FolderScan.subsets(
                in: regDataDirectory, isRegularization: true, defaults: subsetDefaults)
            subsets += regularization.subsets
            notes += regularization.notes
        }
        var dataset = datasetDefaults
        dataset.subsets = subsets
        var data = self
        data.datasets = [dataset]
        data.trainDataDirectory = nil
        data.regDataDirectory = nil
        return (data, notes)
    }
}
