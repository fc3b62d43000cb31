"""Single-digit classifiers: KNN, SVM, FCN and CNN."""
