import Histogram

/// How often which values occurred, within one part in a hundred (HdrHistogram), and their exact sum.
package struct Distribution: Sendable {
    /// How many of a value's units are one of the figure's: 1 for a count, 1,000,000 for microseconds that are told as
    /// seconds.
    package let unitsPerWhole: Double
    /// Where a histogram of Prometheus has its buckets' ends, in the figure's units; in ascending order.
    package let bounds: [Double]

    private var histogram: Histogram<UInt64>
    private var total: UInt64 = 0

    private init(unitsPerWhole: Double, bounds: [Double], maximum: UInt64) {
        self.unitsPerWhole = unitsPerWhole
        self.bounds = bounds
        histogram = Histogram(highestTrackableValue: maximum, numberOfSignificantValueDigits: .two)
    }

    /// Of durations, which are told in seconds.
    package static func ofDurations() -> Distribution {
        Distribution(
            unitsPerWhole: 1e6, bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
            maximum: 3_600_000_000)
    }

    /// Of numbers of things.
    package static func ofCounts() -> Distribution {
        Distribution(unitsPerWhole: 1, bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000], maximum: 10_000_000)
    }

    /// What is beyond the largest value that can be told counts as that.
    mutating func record(_ value: Int) {
        let value = UInt64(clamping: value)
        total += value
        histogram.record(min(value, histogram.highestTrackableValue))
    }

    mutating func record(_ duration: Duration) { record(Int(duration / .microseconds(1))) }

    package var count: Int { Int(clamping: histogram.totalCount) }

    /// Of all values, in the figure's units.
    package var sum: Double { Double(total) / unitsPerWhole }

    /// Below or at which this part of the values is, in percent, in the figure's units; nil without values.
    package func percentile(_ percent: Double) -> Double? {
        count == 0 ? nil : Double(min(histogram.valueAtPercentile(percent), histogram.maxRecorded)) / unitsPerWhole
    }

    package var maximum: Double? { count == 0 ? nil : Double(histogram.maxRecorded) / unitsPerWhole }

    /// How many values are at or below each of ``bounds``.
    package var cumulativeCounts: [Int] {
        var counts: [Int] = []
        counts.reserveCapacity(bounds.count)
        var values = histogram.recordedValues()
        var next = values.next()
        var seen = 0
        for bound in bounds {
            // The lowest of the values that are counted together: the bound itself is among those at or below it.
            while let value = next, Double(histogram.lowestEquivalentForValue(value.value)) <= bound * unitsPerWhole {
                seen += Int(clamping: value.count)
                next = values.next()
            }
            counts.append(seen)
        }
        return counts
    }
}
