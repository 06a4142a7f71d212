/** The time as the service knows it. Given as an argument, so that a test decides what time it is. */
export type Clock = () => Date
