/** How many findings of a rule are still allowed while rooms are being put in order. */
export const ALLOWED = { crowdedFolders: 1, longFunctions: 0, wideLines: 0 }

/** Areas whose folders are not in order yet. */
export const TANGLED: readonly string[] = []
