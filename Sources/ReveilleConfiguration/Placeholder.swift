// ReveilleConfiguration
