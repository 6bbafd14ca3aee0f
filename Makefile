# Each target is one line that calls the real tool.
.PHONY: setup demo test sim crash fuzz bench format lint install planted-bugs

setup:            ## install what a fresh Debian 12 lacks
	./scripts/setup

demo: setup       ## show the main job for real: about 30 s after the build
	swift build --product reveille && .build/debug/reveille demo

test: setup       ## build everything and run every test; not all at once, since many start programs of their own
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=4 swift test --disable-xctest

sim:              ## simulate RESTARTS restarts
	swift build -c release --product simulate --scratch-path .build-sim && .build-sim/release/simulate --restarts $(or $(RESTARTS),1000000)

planted-bugs:     ## every planted bug must be caught
	Tests/PlantedBugs/run

crash:            ## the full sweep of kill points and I/O faults, then KILLS rounds of kills at random moments
	./scripts/crash-sweep full
	REVEILLE_TEST_KILL_ROUNDS=$(or $(KILLS),300) swift test --disable-xctest --filter EndToEndTests.RandomKill

fuzz:             ## fuzz each parser for SECONDS seconds
	./scripts/fuzz $(or $(SECONDS),600)

bench:            ## measure, as ratios against something else in the same run
	./scripts/bench

format:           ## lay out the sources
	swift format -i -r Package.swift Plugins Sources Tests

lint:             ## find what format and documentation rules are broken
	swift format lint --strict -r Package.swift Plugins Sources Tests

install:          ## build the release and install it and its units under PREFIX (default /usr/local)
	swift build -c release --static-swift-stdlib --product reveille && install -Dm755 .build/release/reveille $(DESTDIR)$(or $(PREFIX),/usr/local)/bin/reveille && PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) units/install
