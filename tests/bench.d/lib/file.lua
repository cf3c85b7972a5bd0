-- POST /issues/ with tasks of all sorts: what there is to find depends on a task's place among all, from BENCH_FIRST on.
--
--   labels   common (all), middling (1 in 20), rare (1 in 1,000), one of 30 areas
--   words    stale, "nightly inventory" (all), word0 to word4999 (1 in 5,000 each), quagga (1 in 1,000), zebra (the first five)

local report = require "report"
local key = os.getenv("BENCH_KEY")
local run = tonumber(os.getenv("BENCH_RUN"))
local place = tonumber(os.getenv("BENCH_FIRST"))
local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
local priorities = { [0] = "high", "low", "medium", "medium" }

function request()
    place = place + 1
    local labels = '"common","area-' .. place % 30 .. '"'
    if place % 20 == 0 then labels = labels .. ',"middling"' end
    if place % 1000 == 8 then labels = labels .. ',"rare"' end
    local words = "word" .. place % 5000
    if place % 1000 == 10 then words = words .. " quagga" end
    if place <= 5 then words = words .. " zebra" end
    local body = string.format('{"title":"Flag stale SBOM in service %d","description":"The software bill of materials is older than ninety days. '
        .. 'Found by the nightly inventory: %s.","target_repo":"repo-%d","priority":"%s","labels":[%s],"due_in_days":%d,'
        .. '"source_type":"rule","source_id":"source-%d","triggering_event_id":"run-%d-%d","activity_definition_id":"definition-%d"}',
        place, words, place % 50, priorities[place % 4], labels, place % 300, place % 20, run, place, place % 20)
    return wrk.format("POST", "/issues/", headers, body)
end

function done(summary, latency)
    report(summary, latency)
end
