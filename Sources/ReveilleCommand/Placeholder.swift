import ArgumentParser
import ServiceLifecycle
import Subprocess

@main struct Reveille: ParsableCommand { func run() { print("reveille") } }
