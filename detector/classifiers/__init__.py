"""Classifiers of single digits: KNN, SVM, fully connected and convolutional networks."""
