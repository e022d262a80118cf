/** Environment of a server under test: how busy the machine is that runs the tests must hold nothing. */
export const CALM = { OFFPEAK_RESOURCES__CPU_LIMIT: '1', OFFPEAK_RESOURCES__IO_LIMIT: '1' }
