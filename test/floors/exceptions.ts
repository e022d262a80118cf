/** How many findings of a rule are still allowed while rooms are being put in order. */
export const ALLOWED = { crowdedFolders: 14, longFunctions: 100, wideLines: 330 }

/** Areas whose folders are not in order yet. */
export const TANGLED: readonly string[] = []
