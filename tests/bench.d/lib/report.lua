-- What wrk measured, as one line of name=value pairs; shared by the request scripts of this directory.
--
-- wrk does not show plain latencies: it adds made-up samples where a request took more than twice the mean ("coordinated
-- omission"). pgbench does not, and the two are to be compared, so the addition is undone here. wrk adds, for each sample n of at least
-- 2e, one sample at n-e, n-2e, ... as long as that is above e, e being the mean time from request to request on a connection.
-- So above e the difference between the count at m and the count at m+e is what was measured at m. `exact` says whether
-- the samples left are as many as the requests answered.

local function raw_histogram(latency, summary, connections)
    local e = math.floor(summary.duration / math.floor(summary.requests / connections))
    local counts, values = {}, {}
    for i = 1, #latency do
        local value, count = latency(i)
        value, count = tonumber(value), tonumber(count)
        if value == nil then break end
        values[i] = value
        counts[value] = count
    end
    local raw, total = {}, 0
    for i, value in ipairs(values) do
        raw[i] = counts[value]
        if value > e then
            raw[i] = raw[i] - (counts[value + e] or 0)
        end
        total = total + raw[i]
    end
    return values, raw, total
end

local function percentile(values, raw, total, p)
    local seen = 0
    for i, value in ipairs(values) do
        seen = seen + raw[i]
        if seen >= total * p then
            return value
        end
    end
    return 0
end

return function(summary, latency)
    local connections = tonumber(os.getenv("BENCH_LOAD_CONNECTIONS"))
    if summary.requests < connections then
        print("RESULT requests=" .. summary.requests .. " rate=0 p50=0 p95=0 p99=0 max=0 errors=1 exact=no")
        return
    end
    local values, raw, total = raw_histogram(latency, summary, connections)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
    print(string.format("RESULT requests=%d rate=%.0f p50=%d p95=%d p99=%d max=%d errors=%d exact=%s",
        summary.requests, summary.requests / summary.duration * 1e6,
        percentile(values, raw, total, 0.50), percentile(values, raw, total, 0.95), percentile(values, raw, total, 0.99), latency.max, failed,
        total == summary.requests and "yes" or "no(" .. total .. ")"))
end
